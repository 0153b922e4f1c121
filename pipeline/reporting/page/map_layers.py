"""A sample's vectors → the map as it is drawn, coloured by language and by each label.

Enters: a sample. Leaves: ``MapView``. What holds: a point is drawn once and carries a number for
each layer, so that the page can change colours without drawing anew; the most frequent values of a
layer have colours that can be told apart, the others are grey and can still be picked out by name.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.reporting.page.figures import hues
from pipeline.reporting.page.pointmap import point_map
from pipeline.reporting.page.sample import Sample
from pipeline.reporting.page.shown import Shown

WIDTH, HEIGHT, _MARGIN = 1000, 640, 16
"""Of the drawing, in its own units."""


@dataclass(frozen=True)
class Key:
    """A value of a layer, and how it is shown."""

    name: str
    hue: int
    points: int


@dataclass(frozen=True)
class Layer:
    """What points are coloured by; a point has the place of its value among ``keys``."""

    name: str
    keys: tuple[Key, ...]

    def place(self, value: str) -> int:
        """The place of ``value`` among the keys."""
        return [key.name for key in self.keys].index(value)


@dataclass(frozen=True)
class Point:
    """A record's place; ``values`` has one number a layer, ``hue`` is that of the first layer."""

    x: float
    y: float
    hue: int
    values: tuple[int, ...]
    record_id: str
    caption: str


@dataclass(frozen=True)
class MapView:
    """``points`` and the ``layers`` to colour them by; ``explained`` is in percent, by axis."""

    width: int
    height: int
    layers: tuple[Layer, ...]
    points: tuple[Point, ...]
    explained: tuple[int, int]


def map_view(sample: Sample) -> MapView | None:
    """The map of what ``sample`` has vectors of; None where that is too little."""
    placed = None if sample.vectors is None else point_map(sample.vectors)
    if placed is None:
        return None
    records = [sample.pointed[row] for row in placed.rows]
    columns = {"language": [record.language for record in records], **_labels(records)}
    layers = tuple(_layer(name, values) for name, values in columns.items())
    points = tuple(
        _point(record, place, values, layers)
        for record, place, values in zip(
            records, placed.points.tolist(), zip(*columns.values(), strict=True), strict=True
        )
    )
    first, second = placed.explained
    return MapView(WIDTH, HEIGHT, layers, points, (round(100 * first), round(100 * second)))


def _point(
    record: Shown, place: tuple[float, float], values: Sequence[str], layers: Sequence[Layer]
) -> Point:
    x, y = place
    numbers = tuple(layer.place(value) for layer, value in zip(layers, values, strict=True))
    return Point(
        x=round(_MARGIN + x * (WIDTH - 2 * _MARGIN), 1),
        y=round(HEIGHT - _MARGIN - y * (HEIGHT - 2 * _MARGIN), 1),
        hue=layers[0].keys[numbers[0]].hue,
        values=numbers,
        record_id=record.record_id,
        caption=", ".join(values),
    )


def _labels(shown: Sequence[Shown]) -> dict[str, list[str]]:
    """Values by task; a record of which a task says nothing has a dash."""
    tasks = dict.fromkeys(verdict.task for record in shown for verdict in record.verdicts)
    return {task: [_value(record, task) for record in shown] for task in tasks}


def _value(record: Shown, task: str) -> str:
    return next((verdict.value for verdict in record.verdicts if verdict.task == task), "–")


def _layer(name: str, values: list[str]) -> Layer:
    counts, colours = Counter(values), hues(values)
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return Layer(name, tuple(Key(value, colours[value], counts[value]) for value in ordered))
