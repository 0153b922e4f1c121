"""``add-language``: train an adapter for a new language, and vocabulary rows for a new script."""

from typing import Annotated

from pipeline.cli.options import Config, override_option
from pipeline.cli.training import training_command
from pipeline.reporting.console import Console
from pipeline.training.settings import AddLanguageConfig


def add_language(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(AddLanguageConfig)] = None,
) -> None:
    """Train an adapter for a new language, and vocabulary rows for a new script.

    Exit codes: 0 done; 2 the config, the data or the model cannot be used; 5 the cluster is away or
    has no room; 130 ended by ^C.
    """
    with training_command("add_language", AddLanguageConfig, config, overrides) as settings:
        from pipeline.training.add_language import add_language as train
        from pipeline.training.cluster import on_ray

        added = train(settings, on_ray(settings))
    Console().print(
        f"{settings.language}: perplexity {added.perplexity_new:.1f} by its own adapter, "
        f"{added.perplexity_nearest:.1f} by that of {added.nearest}, the nearest; "
        f"{added.new_pieces} vocabulary rows added. Written to {settings.out}.",
        soft_wrap=True,
    )
