"""A temperature that makes the scores of a head that is too sure probabilities."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from pipeline.training.calibration import best_temperature
from pipeline.training.calibration_error import calibration_error


def drawn(rows: int = 20_000, labels: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the truth, and labels that were drawn by it."""
    generator = np.random.default_rng(1)
    logits = 2 * generator.normal(size=(rows, labels))
    return logits, (logits + generator.gumbel(size=logits.shape)).argmax(axis=-1)


def likelihood(logits: np.ndarray, wanted: np.ndarray) -> float:
    return float(log_softmax(logits, axis=-1)[np.arange(len(wanted)), wanted].mean())


def share_right(logits: np.ndarray, wanted: np.ndarray) -> float:
    """Of the answers with a score about .9."""
    scores = softmax(logits, axis=-1)
    near = np.abs(scores.max(axis=-1) - 0.9) < 0.03
    return float((scores.argmax(axis=-1) == wanted)[near].mean())


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_temperature_is_the_factor_by_which_the_logits_are_off(factor):
    logits, wanted = drawn()
    assert best_temperature(factor * logits, wanted) == pytest.approx(factor, rel=0.03)


def test_temperature_makes_scores_of_nine_tenths_right_nine_times_in_ten():
    logits, wanted = drawn()
    sure = 3 * logits
    mended = sure / best_temperature(sure, wanted)
    assert likelihood(mended, wanted) > likelihood(sure, wanted)
    assert share_right(sure, wanted) < 0.7
    assert share_right(mended, wanted) == pytest.approx(0.9, abs=0.02)
    assert (mended.argmax(axis=-1) == sure.argmax(axis=-1)).all()


def test_temperature_of_few_rows_without_an_error_claims_no_certainty():
    """The least negative log-likelihood alone would be that of a temperature of 0."""
    wanted = np.arange(8) % 2
    logits = np.eye(2)[wanted] * 4.0
    scores = softmax(logits / best_temperature(logits, wanted), axis=-1)
    assert scores.max() == pytest.approx(9 / 10, abs=0.01)


def test_calibration_error_is_the_mean_gap_between_scores_and_right_answers():
    scores, right = np.array([0.9] * 10 + [0.5] * 10), np.array([True] * 7 + [False] * 13)
    assert calibration_error(scores, right) == pytest.approx((0.2 + 0.5) / 2)
    assert calibration_error(np.ones(4), np.array([True] * 4)) == 0.0
