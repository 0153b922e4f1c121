"""Log-probabilities of tokens → how likely a text is.

Enters: log-probabilities [tokens]. Leaves: their sum, and the perplexity.
"""

import numpy as np

from pipeline.tasks.task import Scores


def likelihood(log_probabilities: Scores) -> tuple[float, float | None]:
    """Their sum, and exp of their negative mean, which a text without tokens has not."""
    if not len(log_probabilities):
        return 0.0, None
    exact = log_probabilities.astype(np.float64)
    return float(exact.sum()), float(np.exp(-exact.mean()))
