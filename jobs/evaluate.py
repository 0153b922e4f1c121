"""Score X-MOD checkpoints: `python jobs/evaluate.py --config configs/evaluate.yaml`.

Enters: a config and overrides. Leaves: scores by language as JSON, Markdown and a picture, and on
the screen. Holds: exit code 2 and one clear message where config or data cannot be used.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.clean_exit import ending_well
from pipeline.config import load
from pipeline.training.evaluate import evaluate
from pipeline.training.scoreboard import on_screen, write
from pipeline.training.settings import EvaluateConfig
from pipeline.xmod.transformers_logging import silence_transformers


def main(
    config: Annotated[Path, typer.Option(help="YAML file, such as configs/evaluate.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override: batch_size=16")
    ] = None,
    transfer: Annotated[
        bool,
        typer.Option(
            "--transfer",
            help="Zero-shot: checkpoints of one source language, on each other language with its "
            "own adapter, with the source's, and with none.",
        ),
    ] = False,
) -> None:
    """Score checkpoints on their test rows, by language, beside baselines."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    silence_transformers()
    with ending_well("evaluate"):
        settings = load(config, overrides or [], EvaluateConfig)
        boards = evaluate(settings, transfer=transfer)
    write(boards, settings.out / "transfer" if transfer else settings.out)
    for board in boards:
        Console().print(on_screen(board))


if __name__ == "__main__":
    typer.run(main)
