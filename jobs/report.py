"""``xmod-pipeline report``, for ``ray job submit … -- python jobs/report.py``."""

import typer

from pipeline.cli.report import report

if __name__ == "__main__":
    typer.run(report)
