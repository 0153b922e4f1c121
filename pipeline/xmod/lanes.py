"""Micro-batches side by side, one to a core of an actor's.

Enters: a forward and micro-batches. Leaves: its results, in their order. What holds: a result is
the same whatever lane it came from.

A product that is split over cores ends with its slowest part, hundreds of times in a forward, and
small steps are not split at all. Forwards side by side never wait for each other.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Lanes:
    """``number`` threads, each with one core for all of torch's steps."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool = ThreadPoolExecutor(number, "lane", initializer=_enter)

    def map(self, forward: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """``forward`` of each of ``batches``; raises what the first that fails raises."""
        return self._pool.map(forward, batches)


def _enter() -> None:
    # Both are a thread's own. Subnormal numbers in softmax tails cost CPUs tens of times a normal.
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
