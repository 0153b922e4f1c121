"""What a run itself did, and where its time went.

Enters: the commit record of each unit as it ends. Leaves: sums, and a line a stage for the report.
What holds: units that an earlier run committed are not among them.

A stage's seconds are added up over units that several processes had at once, so that together they
may exceed the run's; its rates are those of one process while it is at that stage. They leave out
starting processes, loading models, handing blocks over, waiting, and attempts that failed; what a
stage loads only when a record asks for it, as the cascade does its experts, is in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from pipeline.contract.schema import STAGES
from pipeline.output.commit import CommitRecord
from pipeline.stages.measures import MicroBatches, StageSeconds


class StageLine(BaseModel):
    """One stage over all units that a run did; ``cpu_share`` is of the CPU seconds of all stages.

    ``seconds`` are on the clock, and the rates are by them.
    """

    seconds: float
    cpu_seconds: float
    cpu_share: float
    waited_seconds: float = 0.0
    """That units stood at hand before the stage, added up over them."""
    records_per_second: float
    tokens_per_second: float


@dataclass(frozen=True)
class RunStats:
    """``units`` with their ``records`` and ``tokens``, done in ``seconds`` of wall time."""

    units: int = 0
    records: int = 0
    tokens: int = 0
    seconds: float = 0.0
    seconds_to_first_unit: float | None = None
    stages: Mapping[str, StageSeconds] = field(default_factory=dict)
    batches: MicroBatches = field(default_factory=MicroBatches)

    def with_unit(self, record: CommitRecord, seconds: float) -> "RunStats":
        """The stats with the unit of ``record`` in it, which was seen after ``seconds``."""
        first = self.seconds_to_first_unit
        return RunStats(
            units=self.units + 1,
            records=self.records + record.rows_in,
            tokens=self.tokens + sum(counts.tokens for counts in record.counts.values()),
            seconds=seconds,
            seconds_to_first_unit=seconds if first is None else first,
            stages={stage: self._of(stage) + record.stages.get(stage, _NONE) for stage in STAGES},
            batches=self.batches + record.batches,
        )

    @property
    def tokens_per_second(self) -> float:
        """Of the run as a whole."""
        return _rate(self.tokens, self.seconds)

    def lines(self) -> dict[str, StageLine]:
        """A line for each stage, in their order."""
        every = sum(self._of(stage).cpu for stage in STAGES)
        return {stage: self._line(self._of(stage), every) for stage in STAGES}

    def _line(self, took: StageSeconds, every: float) -> StageLine:
        return StageLine(
            seconds=round(took.wall, 3),
            cpu_seconds=round(took.cpu, 3),
            cpu_share=round(took.cpu / every, 4) if every else 0.0,
            waited_seconds=round(took.waited, 3),
            records_per_second=_rate(self.records, took.wall),
            tokens_per_second=_rate(self.tokens, took.wall),
        )

    def _of(self, stage: str) -> StageSeconds:
        return self.stages.get(stage, _NONE)


_NONE = StageSeconds(wall=0, cpu=0)


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0
