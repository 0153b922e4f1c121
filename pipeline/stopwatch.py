"""What each stage takes of a unit: seconds on the clock and seconds of CPU, kept with the block.

Enters: a step to run, or a block that came through steps. Leaves: the step's block with a column
``_took_<stage>``, or a block's seconds by stage. What holds: a row carries its share of the seconds
of its block, so that they add up however a unit is cut and put together again; rows that no step
brought have none, and a step that raises takes its seconds with it.

CPU seconds are those of the whole process, because torch, Arrow and the tokenizers work in threads
of their own. A Ray worker has one stage of one unit at a time, so that no other's are among them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import schema
from pipeline.commit import StageSeconds

_MICROSECONDS = 6
"""Decimal places that are kept."""


@dataclass(frozen=True)
class Stopwatch:
    """Runs from when it is made; ``wall`` and ``cpu`` are what the clocks said then."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def seconds(self) -> StageSeconds:
        """What has passed since."""
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return StageSeconds(wall=round(wall, _MICROSECONDS), cpu=round(cpu, _MICROSECONDS))


def timed(stage: str, step: Callable[[], pa.Table]) -> pa.Table:
    """The block that ``step`` makes, with what that took as ``stage``."""
    watch = Stopwatch()
    block = step()
    shares = _shares(watch.seconds(), block.num_rows)
    return block.append_column(schema.took_field(stage), shares)


def seconds_by_stage(block: pa.Table) -> dict[str, StageSeconds]:
    """What the stages that ``block`` came through took, in their order."""
    names = {stage: schema.took_field(stage).name for stage in schema.STAGES}
    return {
        stage: _total(block[name]) for stage, name in names.items() if name in block.column_names
    }


def _shares(seconds: StageSeconds, rows: int) -> pa.Array:
    share = {name: value / max(1, rows) for name, value in seconds.model_dump().items()}
    return pa.repeat(pa.scalar(share, schema.TOOK), rows)


def _total(shares: pa.ChunkedArray) -> StageSeconds:
    sums = {part.name: pc.sum(pc.struct_field(shares, part.name)).as_py() for part in schema.TOOK}
    return StageSeconds(**{name: round(value or 0, _MICROSECONDS) for name, value in sums.items()})
