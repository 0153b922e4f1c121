"""Train the files of the cascade, the detector that the package brings.

python -m demo.train_identifier --config demo/training/identifier.yaml
"""

import typer

from demo.training.identifier import train_identifier
from demo.training.settings import IdentifierConfig
from pipeline.cli.training import ConfigFile, Overrides, command


def main(config: ConfigFile, overrides: Overrides = None) -> None:
    """Count what texts of each language are made of, and calibrate the detectors."""
    with command("demo.train_identifier", config, overrides, IdentifierConfig) as settings:
        train_identifier(settings)


if __name__ == "__main__":
    typer.run(main)
