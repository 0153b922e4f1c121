"""Train what `demo.encoder` has grown: adapters, upper layers, and the head for entities.

python -m demo.train --config demo/training/growth.yaml
"""

from typing import Annotated

import typer

from demo.training.growth import grow
from demo.training.settings import GrowthConfig
from pipeline.cli.options import override_option
from pipeline.cli.training import training_command


def main(
    config: Annotated[str, typer.Option(help="YAML file, such as demo/training/growth.yaml.")],
    overrides: Annotated[list[str] | None, override_option(GrowthConfig)] = None,
) -> None:
    """Train, or go on with a training that was interrupted."""
    with training_command("demo.train", GrowthConfig, config, overrides) as settings:
        grow(settings)


if __name__ == "__main__":
    typer.run(main)
