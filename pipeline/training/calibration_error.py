"""Whether scores are probabilities: expected calibration error (Guo et al., ICML 2017)."""

import numpy as np

BINS = 15


def calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Mean difference, over 15 bins of equal width, of the scores and the share of right answers.

    `scores` in [0, 1] and whether each answer is `right` are [answers].
    """
    gaps = np.bincount(bins(scores), weights=scores - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(1, len(scores)))


def bins(scores: np.ndarray) -> np.ndarray:
    """The bin of each of `scores` [answers], counted from 0."""
    places: np.ndarray = np.minimum((scores * BINS).astype(int), BINS - 1)
    return places
