"""Pre-train the demo model, with labels and translations beside masked words.

python -m demo.pretrain --config demo/training/pretrain.yaml
"""

import typer

from demo.training.pretrain import pretrain_demo
from demo.training.settings import DemoPretrainConfig
from pipeline.cli.training import ConfigFile, Overrides, command
from pipeline.training.cluster import on_ray


def main(config: ConfigFile, overrides: Overrides = None) -> None:
    """Train vocabulary, shared weights and language adapters by the objectives of the config."""
    with command("demo.pretrain", config, overrides, DemoPretrainConfig) as settings:
        pretrain_demo(settings, on_ray(settings))


if __name__ == "__main__":
    typer.run(main)
