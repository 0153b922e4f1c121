"""Commit records → tokens/s by language, and the units that took longest."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.output.commit import CommitRecord, parse_commit
from pipeline.reporting.page.output import Output, spread
from pipeline.reporting.run_report import language_name

_SLOWEST = 10


@dataclass(frozen=True)
class UnitTime:
    """A unit, its tokens, and its wall-clock seconds: of ``stages``, and of all together."""

    record: CommitRecord
    tokens: int
    stages: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Speeds:
    """Tokens/s of one process by language, and the slowest of the ``units`` that were read.

    The seconds of a unit are divided among its languages by their tokens.
    """

    units: int
    tokens_per_second: dict[str, float]
    slowest: list[UnitTime]


def read_speeds(output: Output, most: int) -> Speeds:
    """The speeds of at most ``most`` units of ``output``."""
    bodies = output.store.read_all(spread(output.commits, most))
    return speeds(parse_commit(body, output.store.uri_of(path)) for path, body in bodies.items())


def speeds(records: Iterable[CommitRecord]) -> Speeds:
    """The speeds of the units of ``records``."""
    units = [_unit_time(record) for record in records]
    tokens: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for unit in units:
        for tag, counts in unit.record.counts.items():
            name = language_name(tag)
            tokens[name] += counts.tokens
            seconds[name] += unit.seconds * counts.tokens / max(1, unit.tokens)
    timed = [unit for unit in units if unit.seconds > 0]
    return Speeds(
        units=len(units),
        tokens_per_second={name: tokens[name] / took for name, took in seconds.items() if took > 0},
        slowest=sorted(timed, key=lambda unit: unit.seconds, reverse=True)[:_SLOWEST],
    )


def _unit_time(record: CommitRecord) -> UnitTime:
    tokens = sum(counts.tokens for counts in record.counts.values())
    stages = {stage: took.wall for stage, took in record.stages.items()}
    return UnitTime(record, tokens, stages, sum(stages.values()))
