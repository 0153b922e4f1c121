"""How a worker makes a stage, and how long the stage may take.

Enters: a stage's class and its arguments. Leaves: the stage, made once in a process. What holds:
what travels to a worker is small and plain; models and detectors are loaded where they are used.
"""

import faulthandler
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from pipeline.stages.failure import guarded
from pipeline.stages.stage import Stage, run_stage
from pipeline.stages.stopwatch import timed


@dataclass(frozen=True)
class StageFactory:
    """A stage to be: ``make(*arguments)``; equal factories share a stage in each process."""

    name: str
    make: Callable[..., Stage]
    arguments: tuple[Hashable, ...]

    def stage(self) -> Stage:
        """The stage; loads what it needs at the first call in a process."""
        return _made(self)

    def run(self, block: pa.Table) -> pa.Table:
        """``block`` after the stage, and what it took; raises what the stage raises."""
        stage = self.stage()  # before the clock runs: what a process loads is no unit's
        return timed(self.name, lambda: run_stage(stage, block), block)

    def __call__(self, block: pa.Table) -> pa.Table:
        """``block`` after the stage, or a failed block where it raised."""
        return guarded(self.run, self.name, block)


@dataclass(frozen=True)
class TimeLimited:
    """A factory whose process ends where a block takes more than ``timeout`` seconds.

    Code that hangs in a native library can be stopped in no other way.
    """

    factory: StageFactory
    timeout: float

    def __call__(self, block: pa.Table) -> pa.Table:
        """As the factory's."""
        faulthandler.dump_traceback_later(self.timeout, exit=True)
        try:
            return self.factory(block)
        finally:
            faulthandler.cancel_dump_traceback_later()


@cache
def _made(factory: StageFactory) -> Stage:
    return factory.make(*factory.arguments)
