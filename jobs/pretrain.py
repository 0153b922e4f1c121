"""Pre-train an X-MOD model: `python jobs/pretrain.py --config configs/pretrain.yaml`."""

import typer

from pipeline.cli.training import ConfigFile, Overrides, command
from pipeline.training.cluster import on_ray
from pipeline.training.pretrain import pretrain
from pipeline.training.settings import PretrainConfig


def main(config: ConfigFile, overrides: Overrides = None) -> None:
    """Train vocabulary, shared weights and language adapters by masked LM."""
    with command("pretrain", config, overrides, PretrainConfig) as settings:
        pretrain(settings, on_ray(settings))


if __name__ == "__main__":
    typer.run(main)
