"""Whether scores are probabilities: expected calibration error (Guo et al., ICML 2017)."""

import numpy as np

_BINS = 15


def calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Mean difference, over 15 bins of equal width, of the scores and the share of right answers.

    `scores` in [0, 1] and whether each answer is `right` are [answers].
    """
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=scores - right, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(scores))
