"""``evaluate``: score checkpoints on their test rows, by language, beside baselines."""

from typing import Annotated

import typer
from rich.markdown import Markdown

from pipeline.cli.options import Config, override_option
from pipeline.cli.training import training_command
from pipeline.reporting.console import Console
from pipeline.training.settings import EvaluateConfig


def evaluate(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(EvaluateConfig)] = None,
    transfer: Annotated[
        bool,
        typer.Option(
            "--transfer",
            help="Zero-shot: checkpoints of one source language, on each other language with its "
            "own adapter, with the source's, and with none.",
        ),
    ] = False,
) -> None:
    """Score checkpoints on their test rows, by language, beside baselines.

    Exit codes: 0 done; 2 the config, the data or the model cannot be used; 5 the cluster is away or
    has no room; 130 ended by ^C.
    """
    with training_command("evaluate", EvaluateConfig, config, overrides) as settings:
        from pipeline.training.evaluate import evaluate as score
        from pipeline.training.scoreboard import markdown, write

        boards = score(settings, transfer=transfer)
        write(boards, settings.out / "transfer" if transfer else settings.out)
    for board in boards:
        Console().print(Markdown(markdown(board)))
