"""Time and cost of the remaining units, estimated from a sample that is annotated in this process.

The sample is spread evenly over the corpus; nothing is written. The estimate is for machines like
this one: plan on a GPU what is to run on GPUs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.planning.cost import Cost, cost_of
from pipeline.planning.job import Job
from pipeline.planning.plan import Plan
from pipeline.stages.failure import failure_in
from pipeline.stages.stopwatch import seconds_by_stage

_PIECES = 16
"""Places of the corpus that are looked at."""
_START_SECONDS = 30
"""Until the first unit is at work: processes start and load models."""


@dataclass(frozen=True)
class Estimate:
    """Of ``records`` that are left, by ``sampled`` of them.

    ``seconds`` are on the clock, and ``stages`` seconds of one process at each stage.
    """

    sampled: int
    records: int
    tokens: int
    seconds: float
    stages: dict[str, float]
    cost: Cost


def estimate(plan: Plan, sample: int) -> Estimate | None:
    """By about ``sample`` records; None where nothing is left or none of them can be annotated."""
    pieces = list(sampled_units(plan.open_units, sample))
    if not pieces:
        return None
    _annotated(plan.job, replace(pieces[0], stop=pieces[0].start + 1))  # loads the models
    blocks = [block for piece in pieces if (block := _annotated(plan.job, piece)) is not None]
    sampled = sum(block.num_rows for block in blocks)
    if not sampled:
        return None
    records = sum(unit.rows for unit in plan.open_units)
    scale = records / sampled
    stages = {stage: scale * seconds for stage, seconds in _seconds(blocks).items()}
    seconds = _START_SECONDS + _on_the_clock(stages, plan.job)
    tokens = sum(pc.sum(block["n_tokens"]).as_py() or 0 for block in blocks)
    return Estimate(
        sampled=sampled,
        records=records,
        tokens=round(scale * tokens),
        seconds=seconds,
        stages=stages,
        cost=cost_of(seconds, plan.job.settings),
    )


def sampled_units(units: Sequence[Unit], sample: int) -> Iterator[Unit]:
    """The first rows of some of ``units``, in even distances, together ``sample`` rows or fewer."""
    count = min(_PIECES, len(units), sample)
    for place in range(count):
        unit = units[place * len(units) // count]
        yield replace(unit, stop=unit.start + min(unit.rows, -(-sample // count)))


def _annotated(job: Job, piece: Unit) -> pa.Table | None:
    """The piece after all stages before publishing; None where a stage fails."""
    block = job.annotate(job.preparation(piece))
    return None if failure_in(block) else block


def _seconds(blocks: Sequence[pa.Table]) -> dict[str, float]:
    by_stage = dict.fromkeys(schema.STAGES, 0.0)
    for block in blocks:
        for stage, seconds in seconds_by_stage(block).items():
            by_stage[stage] += seconds.wall
    return {stage: seconds for stage, seconds in by_stage.items() if seconds}


def _on_the_clock(stages: dict[str, float], job: Job) -> float:
    """The model's stage by all actors, or the others by the CPU that is kept for them."""
    annotate = stages.get("annotate", 0.0)
    others = sum(stages.values()) - annotate
    return max(annotate / job.settings.runtime.actors.max, others)
