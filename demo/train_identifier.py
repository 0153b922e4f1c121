"""Train the files of the cascade, the detector that the package brings.

python -m demo.train_identifier --config demo/training/identifier.yaml
"""

from typing import Annotated

import typer

from demo.training.identifier import train_identifier
from demo.training.settings import IdentifierConfig
from pipeline.cli.options import override_option
from pipeline.cli.training import training_command


def main(
    config: Annotated[str, typer.Option(help="YAML file, such as demo/training/identifier.yaml.")],
    overrides: Annotated[list[str] | None, override_option(IdentifierConfig)] = None,
) -> None:
    """Count what texts of each language are made of, and calibrate the detectors."""
    with training_command("demo.train_identifier", IdentifierConfig, config, overrides) as settings:
        train_identifier(settings)


if __name__ == "__main__":
    typer.run(main)
