"""``finetune``: train a task head, by default with embeddings and language adapters frozen."""

from typing import Annotated

from rich.markdown import Markdown

from pipeline.cli.options import Config, override_option
from pipeline.cli.training import training_command
from pipeline.reporting.console import Console
from pipeline.training.settings import FinetuneConfig


def finetune(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(FinetuneConfig)] = None,
) -> None:
    """Train a task head, by default with embeddings and language adapters frozen.

    Exit codes: 0 done; 2 the config, the data or the model cannot be used; 5 the cluster is away or
    has no room; 130 ended by ^C.
    """
    with training_command("finetune", FinetuneConfig, config, overrides) as settings:
        from pipeline.training.cluster import on_ray
        from pipeline.training.finetune import finetune as train

        train(settings, on_ray(settings))
        card = (settings.out / "README.md").read_text(encoding="utf-8")
    Console().print(Markdown(card))
