"""An annotated record on the console: its text with entities in colour, and its columns."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.reporting.console import cell, printed_offsets

_COLOURS = {"PER": "bold magenta", "LOC": "bold green", "ORG": "bold yellow"}
_OTHER = "bold cyan"
_SHOWN = 4
"""Numbers of a vector that are shown."""


def highlighted(text: str, entities: Iterable[Mapping[str, Any]]) -> Text:
    """The text with its entities in colour, and what they are below."""
    marked, offsets, found = cell(text), printed_offsets(text), []
    for entity in entities:
        colour = _COLOURS.get(entity["label"], _OTHER)
        marked.stylize(colour, offsets[entity["start"]], offsets[entity["end"]])
        found.append(f"{entity['text']} {entity['label']}")
    return marked.append(cell(f"\n→ {', '.join(found) or 'no entities'}", "dim"))


def record_table(columns: Mapping[str, object]) -> Table:
    """Column and value of all that is not null."""
    table = Table("column", "value")
    for name, value in columns.items():
        if value is not None:
            table.add_row(cell(name), cell(_cell(value)))
    return table


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_cell(one)}" for name, one in value.items())
    if isinstance(value, list):
        return _list(value)
    return str(value)


def _list(values: list[object]) -> str:
    """Items, one a line; of numbers some, and how many there are."""
    if values and all(isinstance(one, float | int) for one in values):
        some = ", ".join(map(_cell, values[:_SHOWN]))
        return some if len(values) <= _SHOWN else f"{some}, … ({len(values)} numbers)"
    return "\n".join(map(_cell, values)) or "none"
