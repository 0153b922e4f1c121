"""``xmod-pipeline annotate``, for ``ray job submit … -- python jobs/annotate.py``."""

import typer

from pipeline.cli.annotate import annotate

if __name__ == "__main__":
    typer.run(annotate)
