"""What ran: a run's identity and report → names and values.

Enters: an output. Leaves: facts, and the job's tasks. What holds: nothing is shown that
``_run.json`` does not hold, which has no credential in it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.reporting.page.output import Output


@dataclass(frozen=True)
class Task:
    """A task of the job, with the first characters of its weights' hash and its settings."""

    name: str
    type: str
    weights: str
    settings: str


def facts(output: Output) -> Iterator[tuple[str, str]]:
    """What ran, as name and value; a setting that says nothing is left out."""
    report, echo = output.report, output.identity.echo
    yield "Input", report.input_uri
    yield "Output", report.output_uri
    yield "Finished", f"{report.finished:%Y-%m-%d %H:%M} UTC"
    yield "Units", f"{report.units:,}, {report.units_done_here:,} of them in the last run"
    if report.cost is not None:
        yield "The last run held", str(report.cost)
    for section, key, name in _SHOWN_SETTINGS:
        value = _setting(echo, section, key)
        if value not in (None, [], "", False):
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    yield "Version", report.package_version
    yield "Fingerprint", report.fingerprint


_SHOWN_SETTINGS = (
    ("input", "text_column", "Text column"),
    ("input", "language_column", "Language column"),
    ("language", "detector", "Detector"),
    ("language", "min_score", "Least score of a language"),
    ("language", "fallback", "Fallback"),
    ("language", "fallback_language", "Default language"),
    ("language", "expected", "Expected languages"),
    ("runtime", "dtype", "Arithmetic"),
    ("runtime", "max_length", "Tokens a window"),
    ("runtime", "stride", "Overlap of windows"),
    ("runtime", "max_windows", "Most windows"),
)


def _setting(echo: dict[str, JsonValue], section: str, key: str) -> JsonValue:
    settings = echo.get(section)
    return settings.get(key) if isinstance(settings, dict) else None


def tasks(output: Output) -> Iterator[Task]:
    """The tasks of the job, as its identity has them."""
    every = output.identity.echo.get("tasks")
    for name, settings in every.items() if isinstance(every, dict) else ():
        told = dict(settings) if isinstance(settings, dict) else {}
        kind, weights = str(told.pop("type", "")), str(told.pop("weights", ""))
        told.pop("name", None)
        rest = ", ".join(
            f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()
        )
        yield Task(name, kind, weights[:12], rest)
