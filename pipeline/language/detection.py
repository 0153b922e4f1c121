"""What a detector is, and what it answers for a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEAST_SHARE = 0.01
"""Languages less likely than this are left out of a ranking."""

Ranking = tuple[tuple[str, float], ...]
"""X-MOD languages with their probabilities, 0 to 1, the likeliest first."""


@dataclass(frozen=True)
class Detection:
    """The languages that a text may be in; empty where it has no letters, or none is recognized.

    Scores in ``ranked`` are probabilities among the given languages and the likeliest other one.
    Without that one, Greek would pass for Swedish in a checkpoint without Greek; among all other
    languages, short texts would score too low. ``outside`` is the likeliest language that is not
    among the given ones, as a BCP 47 tag, scored among all that the detector knows.
    """

    ranked: Ranking = ()
    outside: str | None = None
    outside_score: float = 0.0

    @property
    def language(self) -> str | None:
        """The likeliest X-MOD language, or None."""
        return self.ranked[0][0] if self.ranked else None

    @property
    def score(self) -> float:
        """The probability of ``language``."""
        return self.ranked[0][1] if self.ranked else 0.0


class Detector(Protocol):
    """Identifies the languages of texts; an answer depends on its text alone, not on the batch."""

    @property
    def known(self) -> frozenset[str]:
        """The X-MOD languages that it can answer with."""

    @property
    def version(self) -> str:
        """What answers depend on besides texts: versions of libraries, digests of weights."""

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One detection per text, in order."""


def rankings(shares: Floats, languages: Sequence[str]) -> list[Ranking]:
    """The languages of each row of ``shares`` [texts, languages] above ``LEAST_SHARE``."""
    rows, places = np.nonzero(shares >= LEAST_SHARE)
    likely = shares[rows, places]
    order = np.lexsort((-likely, rows))
    codes = [languages[place] for place in places[order].tolist()]
    cells = list(zip(codes, likely[order].tolist(), strict=True))
    bounds = np.searchsorted(rows, np.arange(len(shares) + 1)).tolist()
    return [tuple(cells[first:last]) for first, last in pairwise(bounds)]
