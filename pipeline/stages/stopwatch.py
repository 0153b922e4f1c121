"""What each stage takes of a unit: seconds on the clock and seconds of CPU, kept with the block.

Enters: a step to run, or a block that came through steps. Leaves: the step's block with a column
``_took_<stage>``, or a block's seconds by stage. What holds: rows that no step brought have none,
and a step that raises takes its seconds with it.

CPU seconds are those of the whole process, because torch, Arrow and the tokenizers work in threads
of their own. A Ray worker has one stage of one unit at a time, so that no other's are among them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.stages.measures import StageSeconds

_MICROSECONDS = 6
"""Decimal places that are kept."""


@dataclass(frozen=True)
class Stopwatch:
    """Runs from when it is made; ``wall`` and ``cpu`` are what the clocks said then."""

    waited: float = 0.0
    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    @classmethod
    def at(cls, block: pa.Table | None) -> "Stopwatch":
        """One for a stage that takes ``block`` up, which has waited since the stage before."""
        if block is None or schema.ENDED.name not in block.column_names:
            return cls()
        ended = pc.max(block[schema.ENDED.name]).as_py()
        return cls() if ended is None else cls(max(0.0, time.time() - ended))

    def seconds(self) -> StageSeconds:
        """What has passed since."""
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return _rounded({"wall": wall, "cpu": cpu, "waited": self.waited})


def timed(stage: str, step: Callable[[], pa.Table], taken_up: pa.Table | None = None) -> pa.Table:
    """The block that ``step`` makes of the one ``taken_up``, with what ``stage`` took."""
    watch = Stopwatch.at(taken_up)
    block = step()
    shares = row_shares(watch.seconds().model_dump(), schema.TOOK, block.num_rows)
    return _ended_now(block.append_column(schema.took_field(stage), shares))


def seconds_by_stage(block: pa.Table) -> dict[str, StageSeconds]:
    """What the stages that ``block`` came through took, in their order."""
    names = {stage: schema.took_field(stage).name for stage in schema.STAGES}
    return {
        stage: _rounded(sum_shares(block[name]))
        for stage, name in names.items()
        if name in block.column_names
    }


def _ended_now(block: pa.Table) -> pa.Table:
    now = pa.repeat(pa.scalar(time.time(), schema.ENDED.type), block.num_rows)
    if schema.ENDED.name not in block.column_names:
        return block.append_column(schema.ENDED, now)
    return block.set_column(block.column_names.index(schema.ENDED.name), schema.ENDED, now)


def _rounded(seconds: Mapping[str, float]) -> StageSeconds:
    return StageSeconds(**{name: round(value, _MICROSECONDS) for name, value in seconds.items()})


def row_shares(whole: Mapping[str, float], kind: pa.StructType, rows: int) -> pa.Array:
    """``whole`` over ``rows`` rows, as structs of ``kind``."""
    share = {name: value / max(1, rows) for name, value in whole.items()}
    return pa.repeat(pa.scalar(share, kind), rows)


def sum_shares(shares: pa.ChunkedArray) -> dict[str, float]:
    """The sums over a column of portions; rows without any add nothing."""
    fields = (field.name for field in shares.type)
    return {name: pc.sum(pc.struct_field(shares, name)).as_py() or 0.0 for name in fields}
