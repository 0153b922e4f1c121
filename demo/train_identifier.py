"""Train the files of the cascade, the detector that the package brings.

python -m demo.train_identifier --config demo/training/identifier.yaml
"""

from typing import Annotated

import typer

from demo.training.identifier import train_identifier
from demo.training.settings import IdentifierConfig
from pipeline.cli.clean_exit import clean_exit
from pipeline.cli.options import OVERRIDE
from pipeline.cli.training_logs import start_training_logs
from pipeline.config import load


def main(
    config: Annotated[str, typer.Option(help="YAML file, such as demo/training/identifier.yaml.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help=OVERRIDE)] = None,
) -> None:
    """Count what texts of each language are made of, and calibrate the detectors."""
    start_training_logs()
    with clean_exit("demo.train_identifier"):
        train_identifier(load(config, overrides or [], IdentifierConfig))


if __name__ == "__main__":
    typer.run(main)
