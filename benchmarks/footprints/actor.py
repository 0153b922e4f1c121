"""An actor in a process of its own, which goes on step by step.

Enters: an order. Leaves: a ``Step`` after each of ``STEPS``, with seconds and what the process
holds. What holds: the process is started by exec and has imported what an actor of a job has, Ray
and pyarrow among it, before it loads anything; it stands still while it is measured, and lives
until it is dismissed, so that others can be started beside it.

    with Actor(order) as first:
        alone = first.steps()[-1].held
        with Actor(order) as second: …
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType

from benchmarks.footprints.kernel import Held, held
from benchmarks.footprints.order import Order

STEPS = ("imported", "opened", "loaded", "answered", "read")
"""Libraries; the checkpoint's files hashed; the model; all windows; the weights none had needed."""


@dataclass(frozen=True)
class Step:
    """``seconds`` of the step alone, what the process held after it, random numbers drawn in it."""

    name: str
    seconds: float
    drawn: int
    held: Held


class Actor:
    """A process that follows ``order``, and is ended on leaving the context."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def __enter__(self) -> "Actor":
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.footprints.actor"],
            # It says nothing of its own on the way.
            env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tell(self._order.json())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def steps(self, until: str = STEPS[-1]) -> list[Step]:
        """Those from the first on, after the last of which it stands still."""
        return [self._step() for _ in STEPS[: STEPS.index(until) + 1]]

    def held(self) -> Held:
        """What it holds now."""
        return held(self._process.pid)

    def _step(self) -> Step:
        assert self._process.stdout is not None
        self._tell("go on")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"An actor ended early, status {self._process.wait()}.")
        return Step(*json.loads(line), self.held())

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


def _steps(order: Order) -> Iterator[int]:
    """Do a step at each turn; random numbers that it drew."""
    import ray  # noqa: F401
    import torch

    import pipeline.stages.annotate  # noqa: F401
    from benchmarks.footprints.engines import Drawn, loaded, opened

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    yield 0
    checkpoint = opened(order)
    yield 0
    counted = Drawn()
    with counted if order.counted else nullcontext():
        engine = loaded(order, checkpoint)
    yield counted.numbers
    with torch.inference_mode():
        engine.forward(order.windows)
        yield 0
        engine.read()
        yield 0


def _follow(order: Order) -> None:
    steps = _steps(order)
    # None is asked for after the last, at whose end the model would go.
    for name in STEPS:
        sys.stdin.readline()
        began = time.perf_counter()
        drawn = next(steps)
        sys.stdout.write(json.dumps((name, time.perf_counter() - began, drawn)) + "\n")
        sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    _follow(Order.read(sys.stdin.readline()))
