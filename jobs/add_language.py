"""Add a language to X-MOD: `python jobs/add_language.py --config configs/add_language.yaml`."""

import typer

from pipeline.cli.training import ConfigFile, Overrides, command
from pipeline.training.add_language import add_language
from pipeline.training.cluster import on_ray
from pipeline.training.settings import AddLanguageConfig


def main(config: ConfigFile, overrides: Overrides = None) -> None:
    """Train a new language's adapter, and vocabulary rows where its script is unknown."""
    with command("add_language", config, overrides, AddLanguageConfig) as settings:
        added = add_language(settings, on_ray(settings))
    typer.echo(
        f"{settings.language}: perplexity {added.perplexity_new:.1f} by its own adapter, "
        f"{added.perplexity_nearest:.1f} by that of {added.nearest}, the nearest; "
        f"{added.new_pieces} vocabulary rows added. Written to {settings.out}."
    )


if __name__ == "__main__":
    typer.run(main)
