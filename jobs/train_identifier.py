"""Train the identifier: `python jobs/train_identifier.py --config configs/identifier.yaml`.

Enters: a config and overrides. Leaves: counts of n-grams and words, and how far detectors' scores
are to be trusted.
Holds: exit code 2 and one clear message where config or data cannot be used.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.clean_exit import clean_exit
from pipeline.config import load
from pipeline.training.identifier import train_identifier
from pipeline.training.settings import IdentifierConfig


def main(
    config: Annotated[Path, typer.Option(help="YAML file, such as configs/identifier.yaml.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Override: seed=7")] = None,
) -> None:
    """Count what texts of each language are made of, and calibrate the detectors."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    with clean_exit("train_identifier"):
        train_identifier(load(config, overrides or [], IdentifierConfig))


if __name__ == "__main__":
    typer.run(main)
