"""Add a language to X-MOD: `python jobs/add_language.py --config configs/add_language.yaml`.

Enters: a config and overrides. Leaves: a folder with the base and its tasks, one language more.
Holds: exit code 2 and one clear message where config or data cannot be used.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.clean_exit import ending_well
from pipeline.config import load
from pipeline.training.add_language import add_language
from pipeline.training.cluster import on_ray
from pipeline.training.settings import AddLanguageConfig
from pipeline.xmod.transformers_logging import silence_transformers


def main(
    config: Annotated[Path, typer.Option(help="YAML file, such as configs/add_language.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override: language=is_IS")
    ] = None,
) -> None:
    """Train a new language's adapter, and vocabulary rows where its script is unknown."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    silence_transformers()
    with ending_well("add_language"):
        settings = load(config, overrides or [], AddLanguageConfig)
        added = add_language(settings, on_ray(settings))
    typer.echo(
        f"{settings.language}: perplexity {added.perplexity_new:.1f} by its own adapter, "
        f"{added.perplexity_nearest:.1f} by that of {added.nearest}, the nearest; "
        f"{added.new_pieces} vocabulary rows added. Written to {settings.out}."
    )


if __name__ == "__main__":
    typer.run(main)
