"""The reference of all configs, as Markdown: each section with its keys.

Enters: the settings models. Leaves: the text of docs/reference.md. Holds: what a key is for stands
once, below it in its model; a test holds the page against the models, and `make config-docs`
writes it anew.

    python -m docs.config_reference docs/reference.md
"""

import datetime
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from docs.config_schemas import SETTINGS
from pipeline.config.section import Section

_HEAD = """# Configs

Every key of every config, from the models that read them. `configs/` has an annotated file for each
command; a key that no model knows is refused, with the ones that it might have been. Values are
YAML 1.2: `no` and `2026-11-27` are strings. A repeated key is an error.
"""

_OF_TYPE = " of type "
"""Between the place of a section and which of several it is."""


def reference() -> str:
    """The page."""
    parts = [_HEAD]
    for command, model in SETTINGS.items():
        parts.append(f"## jobs/{command}.py\n")
        first_places: dict[type[Section], str] = {}
        for path, section in _sections("", model):
            first_places.setdefault(section, path)
        parts += (_section(path, section) for section, path in first_places.items())
    return "\n".join(parts)


def _sections(path: str, model: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    """The model and all that its keys hold, by the path of the key."""
    yield path, model
    place = path.partition(_OF_TYPE)[0]
    for key, field in model.model_fields.items():
        for inner in dict.fromkeys(_models(field.annotation)):
            kind = inner.model_fields.get("type")
            name = f"{place}.{key}".lstrip(".")
            suffix = f"{_OF_TYPE}{get_args(kind.annotation)[0]}" if kind else ""
            yield from _sections(f"{name}{suffix}", inner)


def _models(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _section(path: str, model: type[Section]) -> str:
    title = f"### {path}\n\n" if path else ""
    says = " ".join((model.__doc__ or "").split()).replace("``", "`")
    rows = "\n".join(_row(key, field) for key, field in model.model_fields.items())
    return f"{title}{says}\n\n| key | type | default | |\n|---|---|---|---|\n{rows}\n"


def _row(key: str, field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    default = "**needed**" if field.is_required() else f"`{_value(value)}`"
    if isinstance(value, Section):
        default = ""
    says = " ".join((field.description or "").split()).replace("``", "`")
    return f"| `{key}` | {_type(field)} | {default} | {says} |".replace("|  |", "| |")


def _type(field: FieldInfo) -> str:
    bounds = ", ".join(
        f"{sign} {getattr(one, name)}"
        for one in field.metadata
        for name, sign in _BOUNDS.items()
        if getattr(one, name, None) is not None
    )
    return f"{_name(field.annotation)}{f', {bounds}' if bounds else ''}"


_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def _name(annotation: Any) -> str:  # noqa: ANN401
    """A type as people would say it."""
    if get_origin(annotation):
        return _composed(get_origin(annotation), get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "section"
    return _PLAIN[annotation]


def _composed(origin: object, arguments: tuple[Any, ...]) -> str:
    if origin is Annotated:
        return _name(arguments[0])
    names = [f"`{one}`" if origin is Literal else _name(one) for one in arguments if one is not ...]
    if origin is dict or (origin is tuple and ... not in arguments):
        return " → ".join(names)
    if origin is tuple:
        return names[0] if "→" in names[0] else f"list of {names[0]}"
    return " or ".join(dict.fromkeys(names))


_PLAIN = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "true or false",
    Path: "path",
    datetime.date: "date",
    type(None): "null",
}


def _value(value: object) -> str:
    """A default as YAML would have it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if value == ():
        return "[]"
    return "null" if value is None else str(value)


def main(page: Annotated[Path, typer.Argument(help="Such as docs/reference.md.")]) -> None:
    """Write the page."""
    page.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
