"""Pre-train the demo model, with labels and translations beside masked words.

python -m demo.pretrain --config demo/training/pretrain.yaml
"""

from typing import Annotated

import typer

from demo.training.pretrain import pretrain_demo
from demo.training.settings import DemoPretrainConfig
from pipeline.cli.clean_exit import clean_exit
from pipeline.cli.options import OVERRIDE
from pipeline.cli.training_logs import start_training_logs
from pipeline.config import load
from pipeline.training.cluster import on_ray
from pipeline.xmod.transformers_logging import silence_transformers


def main(
    config: Annotated[str, typer.Option(help="YAML file, such as demo/training/pretrain.yaml.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help=OVERRIDE)] = None,
) -> None:
    """Train vocabulary, shared weights and language adapters by the objectives of the config."""
    start_training_logs()
    silence_transformers()
    with clean_exit("demo.pretrain"):
        settings = load(config, overrides or [], DemoPretrainConfig)
        pretrain_demo(settings, on_ray(settings))


if __name__ == "__main__":
    typer.run(main)
