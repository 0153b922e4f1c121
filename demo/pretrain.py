"""Pre-train the demo model, with labels and translations beside masked words.

python -m demo.pretrain --config demo/training/pretrain.yaml
"""

from typing import Annotated

import typer

from demo.training.pretrain import pretrain_demo
from demo.training.settings import DemoPretrainConfig
from pipeline.cli.options import override_option
from pipeline.cli.training import training_command
from pipeline.training.cluster import on_ray


def main(
    config: Annotated[str, typer.Option(help="YAML file, such as demo/training/pretrain.yaml.")],
    overrides: Annotated[list[str] | None, override_option(DemoPretrainConfig)] = None,
) -> None:
    """Train vocabulary, shared weights and language adapters by the objectives of the config."""
    with training_command("demo.pretrain", DemoPretrainConfig, config, overrides) as settings:
        pretrain_demo(settings, on_ray(settings))


if __name__ == "__main__":
    typer.run(main)
