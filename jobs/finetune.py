"""Fine-tune an X-MOD model: `python jobs/finetune.py --config configs/finetune_ner.yaml`."""

import typer

from pipeline.cli.training import ConfigFile, Overrides, command
from pipeline.training.cluster import on_ray
from pipeline.training.finetune import finetune
from pipeline.training.settings import FinetuneConfig


def main(config: ConfigFile, overrides: Overrides = None) -> None:
    """Train a task head on a frozen vocabulary and frozen language adapters."""
    with command("finetune", config, overrides, FinetuneConfig) as settings:
        finetune(settings, on_ray(settings))


if __name__ == "__main__":
    typer.run(main)
