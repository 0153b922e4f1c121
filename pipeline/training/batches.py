"""Batches of one language, so that a forward walks one adapter.

Enters: the language and the length of every example. Leaves: lists of example indices.
Holds: a batch has one language; an epoch's order depends on the seed and the epoch alone.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.training.vocabulary import smoothed_shares


class SmoothedLanguageBatches:
    """Endless supply cut at `batches`: languages drawn by smoothing, examples without repeats.

    A language's examples are shuffled anew each time all of them have been seen.
    """

    def __init__(
        self,
        languages: Sequence[int],
        *,
        batch_size: int,
        batches: int,
        smoothing: float,
        seed: int,
    ) -> None:
        self._members = _by_language(languages)
        self._batch_size = batch_size
        self._batches = batches
        self._smoothing = smoothing
        self._seed = seed

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        shares = smoothed_shares([len(rows) for rows in self._members], self._smoothing)
        supplies = [_shuffled_forever(rows, generator) for rows in self._members]
        for language in generator.choice(len(shares), size=self._batches, p=shares):
            yield [next(supplies[language]) for _ in range(self._batch_size)]


class MixedBatches:
    """Batches of `first`, a `share` of them replaced by batches of `second`.

    Examples of `second` come after the `offset` examples of `first`.
    """

    def __init__(
        self,
        first: SmoothedLanguageBatches,
        second: SmoothedLanguageBatches,
        *,
        share: float,
        offset: int,
        seed: int,
    ) -> None:
        self._first = first
        self._second = second
        self._share = share
        self._offset = offset
        self._seed = seed

    def __len__(self) -> int:
        return len(self._first)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        first, second = iter(self._first), iter(self._second)
        for replaced in generator.random(len(self)) < self._share:
            if replaced:
                yield [self._offset + index for index in next(second)]
            else:
                yield next(first)


class EpochLanguageBatches:
    """Every example once an epoch; a batch holds examples of about the same length."""

    def __init__(
        self, languages: Sequence[int], lengths: Sequence[int], *, batch_size: int, seed: int
    ) -> None:
        self._members = _by_language(languages)
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return sum(-(-len(rows) // self._batch_size) for rows in self._members)

    def set_epoch(self, epoch: int) -> None:
        """Choose the shuffle; called by the training loop at the start of an epoch."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self._seed, self._epoch])
        batches = [
            batch for rows in self._members for batch in self._of_one_language(rows, generator)
        ]
        self._epoch += 1
        for index in generator.permutation(len(batches)):
            yield batches[index]

    def _of_one_language(self, rows: np.ndarray, generator: np.random.Generator) -> list[list[int]]:
        # Noise on the length keeps batches from being the same in every epoch.
        noisy = self._lengths[rows] * generator.uniform(0.9, 1.1, size=len(rows))
        ordered = rows[np.argsort(noisy)]
        cuts = range(self._batch_size, len(ordered), self._batch_size)
        return [part.tolist() for part in np.split(ordered, list(cuts))]


Batches = SmoothedLanguageBatches | MixedBatches | EpochLanguageBatches


def _by_language(languages: Sequence[int]) -> list[np.ndarray]:
    ids = np.asarray(languages)
    return [np.flatnonzero(ids == language) for language in np.unique(ids)]


def _shuffled_forever(rows: np.ndarray, generator: np.random.Generator) -> Iterator[int]:
    while True:
        yield from generator.permutation(rows).tolist()
