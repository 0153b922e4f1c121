"""How far a detector's scores are to be trusted: what it says → how often it is right.

Enters: scores, and how many characters the texts have. Leaves: probabilities. What holds: a higher
score stays higher; 0.9 means right nine times in ten whichever detector says so, by Platt's scaling
with the length beside the score (Platt, "Probabilistic Outputs for Support Vector Machines", 1999;
Guo et al., "On Calibration of Modern Neural Networks", ICML 2017), fitted on dev parts.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.language.detection import Floats

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")

_NEAREST = 1e-4
"""Scores are kept so far from 0 and 1, where a logit has no end."""


@dataclass(frozen=True)
class Calibration:
    """``logit(probability) = base + slope × logit(score) + length × log(characters)``."""

    base: float = 0.0
    slope: float = 1.0
    length: float = 0.0

    def probabilities(self, scores: Floats, lengths: NDArray[np.int64]) -> Floats:
        """How likely answers with ``scores`` for texts of ``lengths`` characters are right."""
        logits = self.base + self.slope * logit(scores)
        logits += self.length * np.log(np.maximum(lengths, 1))
        probable: Floats = ((scores > 0) / (1 + np.exp(-logits))).astype(np.float32)
        return probable

    def shares(self, heard: Floats, lengths: NDArray[np.int64]) -> Floats:
        """``heard`` [texts, languages] with the best one's score as its probability.

        The others share what is left, and none of them comes out above the best.
        """
        best = heard.max(axis=1, initial=0)
        sure = self.probabilities(best, lengths)
        rest = (1 - sure) / np.maximum(1 - best, _NEAREST)
        below = np.nextafter(sure, np.float32(0))
        shared: Floats = np.minimum(heard * rest[:, None], below[:, None])
        rows = np.arange(len(heard))
        shared[rows, heard.argmax(axis=1)] = sure
        return shared


def logit(scores: Floats) -> Floats:
    """``log(score / (1 - score))``, finite."""
    kept = np.clip(scores, _NEAREST, 1 - _NEAREST)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def calibration_of(detector: str) -> Calibration:
    """What was fitted for ``detector``; what a detector without an entry says is taken as said."""
    return _fitted().get(detector, Calibration())


@cache
def _fitted() -> dict[str, Calibration]:
    entries = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
    return {name: Calibration(**entry) for name, entry in entries.items()}
