"""``pretrain``: train vocabulary, shared weights and language adapters by masked LM."""

from typing import Annotated

from pipeline.cli.options import Config, override_option
from pipeline.cli.training import training_command
from pipeline.training.settings import PretrainConfig


def pretrain(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(PretrainConfig)] = None,
) -> None:
    """Train vocabulary, shared weights and language adapters by masked LM.

    Exit codes: 0 done; 2 the config, the data or the model cannot be used; 5 the cluster is away or
    has no room; 130 ended by ^C.
    """
    with training_command("pretrain", PretrainConfig, config, overrides) as settings:
        from pipeline.training.cluster import on_ray
        from pipeline.training.pretrain import pretrain as train

        train(settings, on_ray(settings))
