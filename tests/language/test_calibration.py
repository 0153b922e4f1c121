"""Scores as probabilities."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.calibration import Calibration, calibration_of, logit
from pipeline.language.detector import DETECTORS

shares = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=5)


def test_probabilities_without_fitting_are_the_scores():
    scores = np.array([0.0, 0.25, 0.9], np.float32)
    calibrated = Calibration().probabilities(scores, np.array([1, 20, 400]))
    np.testing.assert_allclose(calibrated, scores, rtol=1e-5)


def test_probabilities_depend_on_score_and_length():
    calibration = Calibration(base=-1, slope=0.5, length=0.25)
    calibrated = calibration.probabilities(np.array([0.9], np.float32), np.array([20]))
    seen = -1 + 0.5 * np.log(9) + 0.25 * np.log(20)
    np.testing.assert_allclose(calibrated, [1 / (1 + np.exp(-seen))], rtol=1e-5)


def test_logit_is_finite_at_both_ends():
    assert np.isfinite(logit(np.array([0.0, 1.0], np.float32))).all()


@given(shares, st.floats(-3, 3), st.floats(0, 3), st.integers(0, 4000))
def test_shares_keep_the_best_first_and_within_one(scores, base, slope, length):
    row = np.array([scores], np.float32) / max(1, sum(scores))
    calibrated = Calibration(base, slope, 0.1).shares(row, np.array([length]))
    assert calibrated.min() >= 0
    assert calibrated.max() <= 1
    assert calibrated[0, row[0].argmax()] == calibrated.max()


def test_shares_of_nothing_are_nothing():
    assert Calibration(base=2).shares(np.zeros((1, 3), np.float32), np.array([10])).tolist() == [
        [0] * 3
    ]


def test_calibration_is_fitted_for_every_detector_that_comes_with_its_model():
    assert {name for name in DETECTORS if calibration_of(name) == Calibration()} <= {"fasttext"}
    assert all(calibration_of(name).slope > 0 for name in DETECTORS)
