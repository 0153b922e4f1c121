"""Commit records → tokens/s by language, and the units that took longest.

Enters: an output. Leaves: ``Speeds``. What holds: a unit's seconds are those that its stages took,
in whatever run annotated it; they are shared out among its languages by tokens, so that a
language's rate is that of one process at work on units in which it stands.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline.output.commit import CommitRecord, parse_commit
from pipeline.reporting.page.output import Output, spread
from pipeline.reporting.run_report import language_name

_SLOWEST = 10


@dataclass(frozen=True)
class UnitTime:
    """A unit, and its seconds on the clock by stage."""

    file: str
    first_row: int
    last_row: int
    tokens: int
    stages: dict[str, float]

    @property
    def seconds(self) -> float:
        """Of all its stages."""
        return sum(self.stages.values())


@dataclass(frozen=True)
class Speeds:
    """``tokens_per_second`` by language, and the ``slowest`` of the ``units`` that were read."""

    units: int = 0
    tokens_per_second: dict[str, float] = field(default_factory=dict)
    slowest: tuple[UnitTime, ...] = ()


def read_speeds(output: Output, most: int) -> Speeds:
    """The speeds of at most ``most`` units of ``output``."""
    bodies = output.store.read_all(spread(output.commits, most))
    records = [parse_commit(body, output.store.uri_of(path)) for path, body in bodies.items()]
    return speeds(records, output.named)


def speeds(records: Iterable[CommitRecord], named: Callable[[str], str] = str) -> Speeds:
    """The speeds of the units of ``records``, whose files are ``named`` by their URIs."""
    records = list(records)
    tokens: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for record in records:
        whole = _tokens(record)
        for tag, counts in record.counts.items():
            name, share = language_name(tag), counts.tokens / max(1, whole)
            tokens[name] = tokens.get(name, 0) + counts.tokens
            seconds[name] = seconds.get(name, 0.0) + share * _seconds(record)
    return Speeds(
        units=len(records),
        tokens_per_second={
            name: tokens[name] / seconds[name] for name in tokens if seconds[name] > 0
        },
        slowest=tuple(_unit_time(record, named) for record in _slowest(records)),
    )


def _slowest(records: list[CommitRecord]) -> list[CommitRecord]:
    timed = [record for record in records if _seconds(record) > 0]
    return sorted(timed, key=_seconds, reverse=True)[:_SLOWEST]


def _unit_time(record: CommitRecord, named: Callable[[str], str]) -> UnitTime:
    return UnitTime(
        file=named(record.unit.source.uri),
        first_row=record.unit.start,
        last_row=record.unit.stop - 1,
        tokens=_tokens(record),
        stages={stage: took.wall for stage, took in record.stages.items()},
    )


def _tokens(record: CommitRecord) -> int:
    return sum(counts.tokens for counts in record.counts.values())


def _seconds(record: CommitRecord) -> float:
    return sum(took.wall for took in record.stages.values())
