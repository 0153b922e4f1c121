"""What a detector says of a text, and what a detector is.

Enters: texts. Leaves: one ``Detection`` a text, in order. What holds: an answer depends on its text
alone, not on the batch; a text without letters gets no language. A score is a probability among the
given languages and the likeliest other one that the detector knows: without the other one, Greek
would pass for Swedish in a checkpoint without Greek, and against all others, short texts would
score too low (``benchmarks/language_detectors.py`` has the figures: *strays*, *routed right*).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Detection:
    """``language`` is the likeliest X-MOD code, None where the text tells nothing.

    ``outside`` is the likeliest language that is not among the given ones, as a BCP 47 tag, with
    its score among all that the library knows. Scores are 0 to 1.
    """

    language: str | None
    score: float
    outside: str | None = None
    outside_score: float = 0.0


class Detector(Protocol):
    """Tells the languages of texts."""

    @property
    def known(self) -> frozenset[str]:
        """The X-MOD languages that it can answer at all."""

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""
