"""Score X-MOD checkpoints: `python jobs/evaluate.py --config configs/evaluate.yaml`.

Enters: a config and overrides. Leaves: a JSON file of scores by language, and tables of
them on the screen. Holds: exit code 2 and one clear message where config or data cannot be used.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.config import load
from pipeline.errors import PipelineError
from pipeline.training.config import EvaluateConfig
from pipeline.training.evaluate import evaluate, tables


def main(
    config: Annotated[Path, typer.Option(help="YAML file, such as configs/evaluate.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override: batch_size=16")
    ] = None,
) -> None:
    """Score checkpoints on their test parts, by language."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        figures = evaluate(load(config, overrides or [], EvaluateConfig))
    except PipelineError as error:
        typer.echo(f"evaluate: {error}", err=True)
        raise typer.Exit(2) from None
    for table in tables(figures):
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
