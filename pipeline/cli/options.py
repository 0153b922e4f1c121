"""Options that commands share, and what a shell completes of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from pipeline.config.loading import shipped
from pipeline.config.section import Section


def complete_config(incomplete: str) -> list[str]:
    """The configs that ship with the package, and YAML files here."""
    files = (str(path) for path in Path().glob(f"{incomplete}*.yaml"))
    return [*(name for name in shipped() if name.startswith(incomplete)), *files]


Config = Annotated[
    str,
    typer.Option(
        help="YAML file, or the name of a config that ships with the package.",
        autocompletion=complete_config,
    ),
]


def override_option(model: type[Section]) -> Any:  # noqa: ANN401 - of no type that typer exports
    """``--set``, which completes the keys of ``model``."""

    def complete(incomplete: str) -> list[str]:
        return [f"{key}=" for key in setting_keys(model) if key.startswith(incomplete)]

    help_text = "key=value, in place of what the config says; can be given several times."
    return typer.Option("--set", help=help_text, autocompletion=complete)


def setting_keys(model: type[Section], before: str = "") -> Iterator[str]:
    """The keys of a config that hold a value, with dots between sections and keys."""
    for key, field in model.model_fields.items():
        inner = [one for one in _classes(field.annotation) if issubclass(one, Section)]
        if inner:
            yield from dict.fromkeys(
                found for one in inner for found in setting_keys(one, f"{before}{key}.")
            )
        else:
            yield f"{before}{key}"


def _classes(annotation: object) -> Iterator[type]:
    """The classes in ``annotation``; what a mapping or a list holds has no fixed keys."""
    if isinstance(annotation, type):
        yield annotation
    elif getattr(annotation, "__origin__", None) not in (dict, list, tuple):
        for argument in get_args(annotation):
            yield from _classes(argument)
