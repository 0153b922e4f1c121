"""``xmod-pipeline verify``, for ``ray job submit … -- python jobs/verify.py``."""

import typer

from pipeline.cli.verify import verify

if __name__ == "__main__":
    typer.run(verify)
