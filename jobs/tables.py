"""``xmod-pipeline tables``, for ``ray job submit … -- python jobs/tables.py``."""

import typer

from pipeline.cli.tables import tables

if __name__ == "__main__":
    typer.run(tables)
