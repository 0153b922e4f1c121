"""Rankings of probabilities."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.calibration import Calibration
from pipeline.language.detection import LEAST_SHARE, Detection, rankings

LANGUAGES = ("aa", "bb", "cc", "dd")


def test_rankings_are_of_likely_languages_best_first():
    shares = np.array([[0.2, 0.005, 0.7, 0.0], [0, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    names = [[code for code, _ in ranking] for ranking in rankings(shares, LANGUAGES)]
    assert names == [["cc", "aa"], [], ["bb"]]


@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), st.floats(-6, 0))
def test_rankings_of_calibrated_shares_begin_with_the_same_language(scores, base):
    row = np.array([scores], np.float32) / max(1, sum(scores))
    (before,) = rankings(row, LANGUAGES)
    (after,) = rankings(Calibration(base, 0.3).shares(row, np.array([9])), LANGUAGES)
    tied = len({share for _, share in before}) < len(before)
    assert tied or not (before and after) or before[0][0] == after[0][0]


def test_detection_of_nothing_has_no_language_and_no_score():
    assert (Detection().language, Detection().score) == (None, 0.0)
    assert 0 < LEAST_SHARE < 0.5
