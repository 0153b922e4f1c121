"""Detector scores → probabilities: 0.9 means right nine times in ten, for every detector."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.language.detection import Floats

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")

_MARGIN = 1e-4
"""Scores are clipped this far from 0 and 1, where the logit is infinite."""


@dataclass(frozen=True)
class Calibration:
    """``logit(probability) = base + slope × logit(score) + length × log(characters)``.

    Platt scaling ("Probabilistic Outputs for Support Vector Machines", 1999; Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017) with the text's length as a second feature.
    """

    base: float = 0.0
    slope: float = 1.0
    length: float = 0.0

    def probabilities(self, scores: Floats, lengths: NDArray[np.int64]) -> Floats:
        """The probability that each answer is right; ``lengths`` are characters of its text."""
        logits = self.base + self.slope * logit(scores)
        logits += self.length * np.log(np.maximum(lengths, 1))
        probable: Floats = ((scores > 0) / (1 + np.exp(-logits))).astype(np.float32)
        return probable

    def shares(self, scores: Floats, lengths: NDArray[np.int64]) -> Floats:
        """``scores`` [texts, languages], the best of each row calibrated.

        The other languages share the rest in proportion; none of them comes out above the best.
        """
        best = scores.max(axis=1, initial=0)
        calibrated = self.probabilities(best, lengths)
        scale = (1 - calibrated) / np.maximum(1 - best, _MARGIN)
        below = np.nextafter(calibrated, np.float32(0))
        shares: Floats = np.minimum(scores * scale[:, None], below[:, None])
        shares[np.arange(len(scores)), scores.argmax(axis=1)] = calibrated
        return shares


def logit(scores: Floats) -> Floats:
    """``log(score / (1 - score))``, finite."""
    clipped = np.clip(scores, _MARGIN, 1 - _MARGIN)
    logits: Floats = np.log(clipped / (1 - clipped))
    return logits


@cache
def calibration_of(detector: str) -> Calibration:
    """The fitted calibration of ``detector``; without an entry in the file, the identity."""
    fitted = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
    return Calibration(**fitted.get(detector, {}))
