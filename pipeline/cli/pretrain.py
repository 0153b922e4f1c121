"""``pretrain``: train vocabulary, shared weights and language adapters by masked LM."""

from typing import Annotated

from pipeline.cli.clean_exit import clean_exit
from pipeline.cli.options import Config, override_option
from pipeline.cli.training_logs import start_training_logs
from pipeline.config import load
from pipeline.training.settings import PretrainConfig


def pretrain(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(PretrainConfig)] = None,
) -> None:
    """Train vocabulary, shared weights and language adapters by masked LM.

    Exit codes: 0 done; 2 the config, the data or the model cannot be used; 5 the cluster is away or
    has no room; 130 ended by ^C.
    """
    start_training_logs()
    with clean_exit("pretrain"):
        settings = load(config, overrides or [], PretrainConfig)
        from pipeline.training.cluster import on_ray
        from pipeline.training.pretrain import pretrain as train
        from pipeline.xmod.transformers_logging import silence_transformers

        silence_transformers()
        train(settings, on_ray(settings))
