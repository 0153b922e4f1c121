"""An output → the parts of the page.

Enters: an output and the limits. Leaves: ``Page``, all that the template draws. What holds: a part
of which the output has nothing is empty, and the template leaves it out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.contract import schema
from pipeline.output.commit import LanguageCounts
from pipeline.reporting.page.counted import Counted, Quartiles, Route, read_counted
from pipeline.reporting.page.facts import Task, facts, tasks
from pipeline.reporting.page.figures import HUES, Bar, Grid, Stretch, bars, grid, stretches
from pipeline.reporting.page.known_columns import Columns, columns_of, task_of
from pipeline.reporting.page.language_rows import LanguageRow, language_rows, sources
from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.map_layers import MapView, map_view
from pipeline.reporting.page.output import Output, Sought, read_rows
from pipeline.reporting.page.sample import read_sample
from pipeline.reporting.page.shown import Shown
from pipeline.reporting.page.speeds import Speeds, read_speeds
from pipeline.reporting.run_report import RunReport

_MOST_VALUES = 12
"""Columns of a grid."""

_MOST_ROUTES = 40


@dataclass(frozen=True)
class Pointer:
    """Where a record in quarantine stands in the corpus, and why it is there; no text of it."""

    record_id: str
    file: str
    row: int
    stage: str
    error_type: str
    message: str


@dataclass(frozen=True)
class Numbers:
    """Quartiles by language of one column."""

    column: str
    rows: tuple[tuple[str, Quartiles], ...]


@dataclass(frozen=True)
class Page:
    """All that the template draws."""

    report: RunReport
    limits: PageLimits
    facts: tuple[tuple[str, str], ...]
    tasks: tuple[Task, ...]
    start_up: tuple[Stretch, ...]
    speeds: Speeds
    languages: tuple[LanguageRow, ...]
    sources: tuple[Stretch, ...]
    routes: tuple[Route, ...]
    counted: int
    lengths: tuple[Bar, ...]
    windows: tuple[Bar, ...]
    truncated: int
    entities: Grid | None
    labels: tuple[tuple[str, Grid], ...]
    numbers: tuple[Numbers, ...]
    map: MapView | None
    records: tuple[Shown, ...]
    record_labels: tuple[str, ...]
    label_hues: dict[str, int]
    has_text: bool
    reasons: tuple[Bar, ...]
    pointers: tuple[Pointer, ...]


def page_of(output: Output, limits: PageLimits) -> Page:
    """The page of ``output``."""
    report, columns = output.report, columns_of(output)
    counted, speeds = read_counted(output, columns, limits.rows), read_speeds(output, limits.units)
    entities, sample = _entities(counted, columns), read_sample(output, columns, limits)
    return Page(
        report=report,
        limits=limits,
        facts=tuple(facts(output)),
        tasks=tuple(tasks(output)),
        start_up=_start_up(report),
        speeds=speeds,
        languages=language_rows(report, counted, speeds),
        sources=sources(sum(report.languages.values(), LanguageCounts())),
        routes=tuple(counted.routes()[:_MOST_ROUTES]),
        counted=counted.rows,
        lengths=bars(counted.in_doublings("n_tokens")),
        windows=bars(counted.in_doublings("n_windows")),
        truncated=counted.truncated(),
        entities=entities,
        labels=tuple(_labels(counted, columns)),
        numbers=tuple(_numbers(counted, columns)),
        map=map_view(sample),
        records=sample.records,
        record_labels=_record_labels(sample.records),
        label_hues=_label_hues(entities),
        has_text=columns.text is not None,
        reasons=bars({reason: float(n) for reason, n in report.quarantine_reasons.items()}),
        pointers=tuple(_pointers(output, limits.pointers)),
    )


def _start_up(report: RunReport) -> tuple[Stretch, ...]:
    """The run's seconds up to the first committed unit, and after it."""
    first = report.seconds_to_first_unit
    if first is None:
        return ()
    after = max(0.0, report.seconds - first)
    return stretches({"to the first unit": first, "after it": after}, first + after)


def _entities(counted: Counted, columns: Columns) -> Grid | None:
    if columns.entities is None:
        return None
    return grid(counted.of(columns.entities.name), _MOST_VALUES)


def _label_hues(entities: Grid | None) -> dict[str, int]:
    """A colour for each label of entities, the most frequent first; grey for those after them."""
    names = entities.columns if entities is not None else ()
    return {name: place if place <= HUES else 0 for place, name in enumerate(names, start=1)}


def _record_labels(records: tuple[Shown, ...]) -> tuple[str, ...]:
    """What the records can be filtered by, as task and value."""
    every = {f"{one.task}: {one.value}" for record in records for one in record.verdicts}
    return tuple(sorted(every))


def _labels(counted: Counted, columns: Columns) -> Iterator[tuple[str, Grid]]:
    for field in (*columns.labels, *columns.choices):
        if found := counted.of(field.name):
            yield task_of(field.name), grid(found, _MOST_VALUES)


def _numbers(counted: Counted, columns: Columns) -> Iterator[Numbers]:
    for field in columns.numbers:
        if rows := counted.quartiles(field.name):
            yield Numbers(field.name, tuple(sorted(rows.items(), key=_by_median)))


def _by_median(row: tuple[str, Quartiles]) -> float:
    return -row[1].median if np.isfinite(row[1].median) else 0.0


def _pointers(output: Output, most: int) -> Iterator[Pointer]:
    if not most:
        return
    sought = Sought(most, standing=output.report.rows_quarantined)
    rows = read_rows(output.store, output.quarantines, schema.QUARANTINE, sought)
    for row in rows.sort_by([("file", "ascending"), ("row", "ascending")]).to_pylist():
        yield Pointer(**{**row, "file": output.named(row["file"])})
