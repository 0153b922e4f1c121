"""An output → everything that the template draws."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.contract import schema
from pipeline.reporting.page.columns import columns_of, task_of
from pipeline.reporting.page.counted import Counted, Grid, read_counted
from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.output import Output
from pipeline.reporting.page.pointmap import PointMap, read_map
from pipeline.reporting.page.sample import read_records
from pipeline.reporting.page.shown import Shown
from pipeline.reporting.page.speeds import Speeds, read_speeds

_SHOWN_SETTINGS = (
    ("input", "text_column", "Text column"),
    ("input", "language_column", "Language column"),
    ("language", "detector", "Language detector"),
    ("language", "min_score", "Minimum language score"),
    ("language", "fallback", "Fallback"),
    ("language", "fallback_language", "Default language"),
    ("language", "expected", "Expected languages"),
    ("runtime", "dtype", "Data type"),
    ("runtime", "max_length", "Tokens per window"),
    ("runtime", "stride", "Window overlap"),
    ("runtime", "max_windows", "Maximum windows"),
)
"""Section, key and name of the settings that the page shows where they are set."""


@dataclass(frozen=True)
class Task:
    """A task of the job; ``weights`` are the first digits of the hash of its weights."""

    name: str
    type: str
    weights: str
    settings: str


@dataclass(frozen=True)
class Page:
    """All that the template draws; it leaves out the parts that are empty here.

    ``medians`` are of task scores and likelihoods, by column and language; ``pointers`` are rows
    of ``schema.QUARANTINE``.
    """

    output: Output
    limits: PageLimits
    facts: tuple[tuple[str, str], ...]
    tasks: tuple[Task, ...]
    speeds: Speeds
    counted: Counted
    entities: Grid | None
    labels: dict[str, Grid]
    medians: dict[str, dict[str, float]]
    map: PointMap | None
    records: tuple[Shown, ...]
    has_text: bool
    pointers: list[dict[str, str | int]]


def page_of(output: Output, limits: PageLimits) -> Page:
    """The page of ``output``."""
    columns = columns_of(output)
    counted = read_counted(output, columns, limits.rows)
    labels = {task_of(field.name): counted.grid(field.name) for field in columns.labels}
    medians = {field.name: counted.medians(field.name) for field in columns.numbers}
    quarantine = output.quarantine.read(schema.QUARANTINE, limits.pointers)
    return Page(
        output=output,
        limits=limits,
        facts=tuple(_facts(output)),
        tasks=tuple(_tasks(output)),
        speeds=read_speeds(output, limits.units),
        counted=counted,
        entities=counted.grid(columns.entities.name) if columns.entities is not None else None,
        labels={task: grid for task, grid in labels.items() if grid is not None},
        medians={column: found for column, found in medians.items() if found},
        map=read_map(output, columns, limits.points),
        records=read_records(output, columns, limits),
        has_text=columns.text is not None,
        pointers=quarantine.sort_by([("file", "ascending"), ("row", "ascending")]).to_pylist(),
    )


def _facts(output: Output) -> Iterator[tuple[str, str]]:
    report = output.report
    yield "Input", report.input_uri
    yield "Output", report.output_uri
    yield "Finished", f"{report.finished:%Y-%m-%d %H:%M} UTC"
    yield "Units", f"{report.units:,}, of which {report.units_done_here:,} in the last run"
    if report.cost is not None:
        yield "Resources of the last run", str(report.cost)
    for section, key, name in _SHOWN_SETTINGS:
        value = output.settings(section).get(key)
        if value not in (None, [], "", False):
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    yield "Package version", report.package_version
    yield "Fingerprint", report.fingerprint


def _tasks(output: Output) -> Iterator[Task]:
    for name, settings in output.settings("tasks").items():
        given = dict(settings) if isinstance(settings, dict) else {}
        kind, weights = str(given.pop("type", "")), str(given.pop("weights", ""))
        given.pop("name", None)
        rest = (f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in given.items())
        yield Task(name, kind, weights[:12], ", ".join(rest))
