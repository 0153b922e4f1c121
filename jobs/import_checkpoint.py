"""``xmod-pipeline import``, for ``ray job submit … -- python jobs/import_checkpoint.py``."""

import typer

from pipeline.cli.import_checkpoint import import_checkpoint

if __name__ == "__main__":
    typer.run(import_checkpoint)
