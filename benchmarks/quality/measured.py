"""All that was measured.

Enters: held-out texts, and answers by side. Leaves: ``Measured``, with scores by side. What holds:
float32 is what all sides are compared with, int8 the one that goals are for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.answers import Answers
from benchmarks.quality.scores import Scores, cosines, scores
from benchmarks.quality.texts import Heldout
from pipeline.config import DType

BASE, OWN = DType.FLOAT32, DType.INT8


@dataclass(frozen=True)
class Measured:
    """Answers and scores by side, ``BASE`` and ``OWN`` among them."""

    texts: Heldout
    answers: dict[DType, Answers]
    scores: dict[DType, Scores]

    @classmethod
    def of(cls, texts: Heldout, answers: dict[DType, Answers]) -> "Measured":
        """With the scores of all sides."""
        return cls(texts, answers, {side: scores(texts, own) for side, own in answers.items()})

    def cosines(self, side: DType = OWN) -> NDArray[np.float64]:
        """With ``BASE``, by text."""
        return cosines(self.answers[side], self.answers[BASE])
