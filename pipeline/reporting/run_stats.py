"""What a run itself did: sums over the units that it committed, and its time by stage.

A stage's seconds are summed over units that ran in parallel, so that all stages together may exceed
the run's seconds; its rates are those of one process while it runs that stage. Not included:
starting processes, loading models, passing blocks on, waiting, and failed attempts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from pipeline.contract.schema import STAGES
from pipeline.output.commit import CommitRecord
from pipeline.stages.measures import MicroBatches, StageSeconds

_NONE = StageSeconds(wall=0, cpu=0)


class StageLine(BaseModel):
    """One stage over all units of a run; the rates are per second of wall-clock time.

    ``cpu_share`` is the share of all stages' CPU seconds; ``waited_seconds`` is how long units
    waited for the stage, summed over units.
    """

    seconds: float
    cpu_seconds: float
    cpu_share: float
    waited_seconds: float = 0.0
    records_per_second: float
    tokens_per_second: float


@dataclass(frozen=True)
class RunStats:
    """``units`` with their ``records`` and ``tokens``, done in ``seconds`` of wall-clock time."""

    units: int = 0
    records: int = 0
    tokens: int = 0
    seconds: float = 0.0
    seconds_to_first_unit: float | None = None
    stages: Mapping[str, StageSeconds] = field(default_factory=dict)
    batches: MicroBatches = field(default_factory=MicroBatches)

    def with_unit(self, record: CommitRecord, seconds: float) -> "RunStats":
        """These stats and the unit of ``record``, committed ``seconds`` after the run began."""
        first = self.seconds_to_first_unit
        return RunStats(
            units=self.units + 1,
            records=self.records + record.rows_in,
            tokens=self.tokens + sum(counts.tokens for counts in record.counts.values()),
            seconds=seconds,
            seconds_to_first_unit=seconds if first is None else first,
            stages={
                stage: self.stages.get(stage, _NONE) + record.stages.get(stage, _NONE)
                for stage in STAGES
            },
            batches=self.batches + record.batches,
        )

    @property
    def tokens_per_second(self) -> float:
        """Rate of the run as a whole."""
        return _rate(self.tokens, self.seconds)

    def lines(self) -> dict[str, StageLine]:
        """A line for each stage, in the order of the flow."""
        stages = {stage: self.stages.get(stage, _NONE) for stage in STAGES}
        all_cpu = sum(took.cpu for took in stages.values())
        return {
            stage: StageLine(
                seconds=round(took.wall, 3),
                cpu_seconds=round(took.cpu, 3),
                cpu_share=round(took.cpu / all_cpu, 4) if all_cpu else 0.0,
                waited_seconds=round(took.waited, 3),
                records_per_second=_rate(self.records, took.wall),
                tokens_per_second=_rate(self.tokens, took.wall),
            )
            for stage, took in stages.items()
        }


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0
