"""Lanes: forwards side by side, each micro-batch on one core of an actor.

An operation split over cores ends with its slowest part, and small ones are not split at all; lanes
never wait for each other.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Lanes:
    """``number`` threads; all operations of one run on a single core."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool = ThreadPoolExecutor(number, "lane", initializer=_configure_thread)

    def map(self, forward: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """The results of ``forward`` in the order of ``batches``; raises the first error."""
        return self._pool.map(forward, batches)


def _configure_thread() -> None:
    # Both settings are the thread's own. A CPU needs tens of times as long for subnormal numbers,
    # which are in the tails of softmax.
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
