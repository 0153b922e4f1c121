"""Numbers → bars, shares and shades.

Enters: counts by name. Leaves: what the template draws: lengths in percent, and steps of a colour.
What holds: every figure is drawn from attributes that a strict Content-Security-Policy allows: no
inline style, no script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.reporting.page.counted import Cross, most_frequent

SHADES = 8
"""Steps of a shade, from 1; 0 is nothing at all."""

HUES = 8
"""Colours that can be told apart, from 1; 0 is the grey of all others."""


@dataclass(frozen=True)
class Bar:
    """A named number; ``length`` is in percent of the longest."""

    name: str
    value: float
    length: float


@dataclass(frozen=True)
class Stretch:
    """A part of a stacked bar, in percent of the whole."""

    name: str
    value: float
    start: float
    length: float


@dataclass(frozen=True)
class Cell:
    """A count of a grid, its share of its row, and the shade that shows it."""

    count: int
    share: float
    shade: int


@dataclass(frozen=True)
class GridRow:
    """One language of a grid."""

    name: str
    total: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """Counts by language and value; ``left_out`` values are not among ``columns``."""

    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    left_out: int


def bars(values: Mapping[str, float]) -> tuple[Bar, ...]:
    """A bar for each of ``values``."""
    longest = max(values.values(), default=0)
    return tuple(Bar(name, value, _percent(value, longest)) for name, value in values.items())


def stretches(values: Mapping[str, float], whole: float) -> tuple[Stretch, ...]:
    """The parts of ``whole`` that are not nothing, one after the other."""
    parts, start = [], 0.0
    for name, value in values.items():
        length = _percent(value, whole)
        if value:
            parts.append(Stretch(name, value, round(start, 2), length))
        start += length
    return tuple(parts)


def grid(crossed: Cross, most: int) -> Grid:
    """``crossed`` with its ``most`` most frequent values, languages with most of them first."""
    columns = tuple(most_frequent(crossed, most))
    every = {value for counts in crossed.values() for value in counts}
    rows = [
        GridRow(
            name=name,
            total=sum(counts.values()),
            cells=tuple(_cell(counts, value) for value in columns),
        )
        for name, counts in crossed.items()
    ]
    ordered = sorted(rows, key=lambda row: (-row.total, row.name))
    return Grid(columns, tuple(ordered), len(every) - len(columns))


def hues(values: Sequence[str]) -> dict[str, int]:
    """A colour for each of ``values``, the most frequent first: those after the last get grey."""
    counts = dict.fromkeys(values, 0)
    for value in values:
        counts[value] += 1
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return {value: place if place <= HUES else 0 for place, value in enumerate(ordered, start=1)}


def _cell(counts: Mapping[str, int], value: str) -> Cell:
    count = counts.get(value, 0)
    share = count / sum(counts.values())
    return Cell(count, share, -int(-share * SHADES // 1))


def _percent(value: float, whole: float) -> float:
    return round(100 * value / whole, 2) if whole > 0 else 0.0
