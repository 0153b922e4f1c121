"""Which examples make a batch, and in which order batches come.

A batch mixes languages; its examples are of about one length, so that little is padding; the order
depends on the seed alone.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from pipeline.training.vocabulary import smoothed_shares

POOL_BATCHES = 16
"""Batches that are cut from one pool, ordered by length."""


class Batches:
    """`count` lists of example indices an epoch; each may have an order of its own."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._epoch = 0

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Which epoch is next."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        raise NotImplementedError


class SmoothedBatches(Batches):
    """`count` batches: languages drawn by smoothing, a language's examples without repeats.

    `examples` have `lang_id` and `input_ids`; a language's are shuffled anew each time all of them
    have been seen.
    """

    def __init__(
        self,
        examples: Sequence[dict[str, Any]],
        *,
        batch_size: int,
        count: int,
        smoothing: float,
        seed: Sequence[int],
    ) -> None:
        super().__init__(count)
        ids = np.array([int(example["lang_id"]) for example in examples])
        self._members = [np.flatnonzero(ids == language) for language in np.unique(ids)]
        self._lengths = np.array([len(example["input_ids"]) for example in examples])
        self._batch_size = batch_size
        self._smoothing = smoothing
        self._seed = seed

    def __iter__(self) -> Iterator[list[int]]:
        return islice(self._endless(), len(self))

    def _endless(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        shares = smoothed_shares([len(rows) for rows in self._members], self._smoothing)
        supplies = [_shuffled_forever(rows, generator) for rows in self._members]
        while True:
            drawn = generator.choice(len(shares), size=POOL_BATCHES * self._batch_size, p=shares)
            pool = np.array([next(supplies[language]) for language in drawn])
            yield from _cut_by_length(pool, self._lengths, self._batch_size, generator)


class EpochBatches(Batches):
    """Every example once an epoch, in another order each time."""

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: Sequence[int]) -> None:
        super().__init__(-(-len(lengths) // batch_size))
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([*self._seed, self._epoch])
        order = generator.permutation(len(self._lengths))
        pool = POOL_BATCHES * self._batch_size
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            yield from _cut_by_length(rows, self._lengths, self._batch_size, generator)


def _cut_by_length(
    pool: np.ndarray, lengths: np.ndarray, batch_size: int, generator: np.random.Generator
) -> Iterator[list[int]]:
    """The pool in batches of neighbours in length, shuffled."""
    ordered = pool[np.argsort(lengths[pool], kind="stable")]
    batches = np.split(ordered, list(range(batch_size, len(ordered), batch_size)))
    for index in generator.permutation(len(batches)):
        yield batches[index].tolist()


def _shuffled_forever(rows: np.ndarray, generator: np.random.Generator) -> Iterator[int]:
    while True:
        yield from generator.permutation(rows).tolist()
