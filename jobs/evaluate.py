"""``xmod-pipeline evaluate``, for ``ray job submit … -- python jobs/evaluate.py``."""

import typer

from pipeline.cli.evaluate import evaluate

if __name__ == "__main__":
    typer.run(evaluate)
