"""Sums and perplexities."""

import numpy as np
import pytest

from pipeline.tasks.likelihood import likelihood


def test_likelihood_is_the_sum_and_the_perplexity_of_the_mean():
    total, perplexity = likelihood(np.log(np.float32([0.5, 0.125])))
    assert total == pytest.approx(np.log(0.0625))
    assert perplexity == pytest.approx(4)


def test_likelihood_of_nothing_has_no_perplexity():
    assert likelihood(np.zeros(0, dtype=np.float32)) == (0.0, None)
