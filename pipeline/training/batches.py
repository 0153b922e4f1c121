"""Which examples make a batch, and in which order batches come.

Enters: the language and the length of every example. Leaves: lists of example indices.
Holds: a batch mixes languages, so that each step is taken for many of them at once; its examples
are of about one length, so that little is padding; the order depends on the seed alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from pipeline.training.vocabulary import smoothed_shares

POOL_BATCHES = 16
"""Batches that are cut from one pool, ordered by length."""


class SmoothedBatches:
    """Batches without end: languages drawn by smoothing, a language's examples without repeats.

    A language's examples are shuffled anew each time all of them have been seen.
    """

    def __init__(
        self,
        languages: Sequence[int],
        lengths: Sequence[int],
        *,
        batch_size: int,
        smoothing: float,
        seed: int | Sequence[int],
    ) -> None:
        ids = np.asarray(languages)
        self._members = [np.flatnonzero(ids == language) for language in np.unique(ids)]
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._smoothing = smoothing
        self._seed = seed

    @classmethod
    def of(
        cls,
        examples: Sequence[dict[str, Any]],
        batch_size: int,
        smoothing: float,
        *,
        seed: int | Sequence[int],
    ) -> Self:
        """Batches of `examples`, which have `lang_id` and `input_ids`."""
        languages = [int(example["lang_id"]) for example in examples]
        lengths = [len(example["input_ids"]) for example in examples]
        return cls(languages, lengths, batch_size=batch_size, smoothing=smoothing, seed=seed)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        shares = smoothed_shares([len(rows) for rows in self._members], self._smoothing)
        supplies = [_shuffled_forever(rows, generator) for rows in self._members]
        while True:
            drawn = generator.choice(len(shares), size=POOL_BATCHES * self._batch_size, p=shares)
            pool = np.array([next(supplies[language]) for language in drawn])
            yield from _cut_by_length(pool, self._lengths, self._batch_size, generator)


class MixedBatches:
    """`batches` batches of several kinds, each kind with its share.

    The examples of all kinds are taken as one list: `sizes` says how many each kind has.
    """

    def __init__(
        self,
        kinds: Sequence[SmoothedBatches],
        *,
        shares: Sequence[float],
        sizes: Sequence[int],
        batches: int,
        seed: int,
    ) -> None:
        self._kinds = kinds
        self._shares = np.asarray(shares) / np.sum(shares)
        self._offsets = np.cumsum([0, *sizes[:-1]]).tolist()
        self._batches = batches
        self._seed = seed

    def __len__(self) -> int:
        return self._batches

    def set_epoch(self, _: int) -> None:
        """There is one epoch, however long."""

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        supplies = [iter(kind) for kind in self._kinds]
        for kind in generator.choice(len(supplies), size=self._batches, p=self._shares):
            yield [self._offsets[kind] + index for index in next(supplies[kind])]


class EpochBatches:
    """Every example once an epoch."""

    def __init__(
        self, lengths: Sequence[int], *, batch_size: int, seed: int | Sequence[int]
    ) -> None:
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return -(-len(self._lengths) // self._batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Which epoch is next; each has an order of its own."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        seeds = [self._seed] if isinstance(self._seed, int) else self._seed
        generator = np.random.default_rng([*seeds, self._epoch])
        order = generator.permutation(len(self._lengths))
        pool = POOL_BATCHES * self._batch_size
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            yield from _cut_by_length(rows, self._lengths, self._batch_size, generator)


Batches = MixedBatches | EpochBatches


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
