"""Fine-tune an X-MOD model: `python jobs/finetune.py --config configs/finetune_ner.yaml`.

Enters: a config and overrides. Leaves: a task checkpoint folder.
Holds: exit code 2 and one clear message where config or data cannot be used.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.clean_exit import ending_well
from pipeline.config import load
from pipeline.training.cluster import on_ray
from pipeline.training.finetune import finetune
from pipeline.training.settings import FinetuneConfig
from pipeline.xmod.transformers_logging import silence_transformers


def main(
    config: Annotated[Path, typer.Option(help="YAML file, such as configs/finetune_ner.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override: optimisation.seed=7")
    ] = None,
) -> None:
    """Train a task head on a frozen vocabulary and frozen language adapters."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    silence_transformers()
    with ending_well("finetune"):
        settings = load(config, overrides or [], FinetuneConfig)
        finetune(settings, on_ray(settings))


if __name__ == "__main__":
    typer.run(main)
