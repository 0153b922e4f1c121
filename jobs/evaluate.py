"""Score X-MOD checkpoints: `python jobs/evaluate.py --config configs/evaluate.yaml`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from pipeline.cli.training import ConfigFile, Overrides, command
from pipeline.training.evaluate import evaluate
from pipeline.training.scoreboard import markdown, write
from pipeline.training.settings import EvaluateConfig


def main(
    config: ConfigFile,
    overrides: Overrides = None,
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
    with command("evaluate", config, overrides, EvaluateConfig) as settings:
        boards = evaluate(settings, transfer=transfer)
    write(boards, settings.out / "transfer" if transfer else settings.out)
    for board in boards:
        Console().print(Markdown(markdown(board)))


if __name__ == "__main__":
    typer.run(main)
