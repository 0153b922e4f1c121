"""What the training commands share: their options, logging, and how they end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from pipeline.cli.clean_exit import ending_well
from pipeline.config import load
from pipeline.config.section import Section
from pipeline.xmod.transformers_logging import be_quiet

ConfigFile = Annotated[Path, typer.Option(help="YAML file, such as those in configs/.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Override, such as optimisation.seed=7.")
]

Settings = TypeVar("Settings", bound=Section)


@contextmanager
def command(
    name: str, config: Path, overrides: list[str] | None, model: type[Settings]
) -> Iterator[Settings]:
    """The settings; what the block raises becomes one message with ``name`` and an exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    be_quiet()
    with ending_well(name):
        yield load(config, overrides or [], model)
