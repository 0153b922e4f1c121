"""The benchmark's own arithmetic over answers."""

from random import Random

import numpy as np
import pytest

from benchmarks.corpora import Corpus, with_noise
from benchmarks.detector_start import BASELINE
from benchmarks.fresh import fresh
from benchmarks.language_detectors import calibration_error, figures, strays
from pipeline.language.detection import Detection

CORPUS = Corpus(("a", "b", "c", "d"), ("de_DE", "de_DE", "zh_TW", "el_GR"))
SAID = [
    Detection((("de_DE", 0.9),)),
    Detection((("en_XX", 0.4),)),
    Detection((("zh_CN", 0.8),)),
    Detection(),
]


def test_figures_weigh_languages_alike_and_count_no_answer_as_wrong():
    found = figures(CORPUS, SAID, SAID, frozenset({"de_DE", "zh_TW"}))
    assert found.accuracy == {"de_DE": 0.5, "zh_TW": 0.0, "el_GR": 0.0}
    assert found.by_code == pytest.approx(0.5 / 3)
    assert found.covered == 0.75  # zh_CN will do for zh_TW
    assert found.confusions["el_GR"] == {"none": 1}


def test_strays_are_texts_in_other_languages_that_are_routed():
    assert strays(("de_DE", "de_DE", "el_GR"), [SAID[0], SAID[1], SAID[0]]) == (0.5, 1.0)


def test_calibration_error_is_the_gap_between_scores_and_accuracy():
    right, scores = np.array([1.0, 1.0, 0.0, 0.0]), np.full(4, 0.7)
    assert calibration_error(scores, right) == pytest.approx(0.2)
    assert calibration_error(right[:0], scores[:0]) == 0


def test_noisy_text_has_all_words_and_three_more():
    own = ["ein", "Satz", "mit", "Wörtern"]
    words = with_noise(" ".join(own), Random(1)).split(" ")
    assert len(words) == len(own) + 3
    assert [word for word in words if word in own] == own


def test_start_of_a_detector_takes_longer_than_nothing(tmp_path):
    texts = tmp_path / "texts.json"
    texts.write_text('["Der Fluss ist lang."]')
    found = fresh("benchmarks.detector_start:measure", "pycld2", 0, texts)
    assert found["answered"] >= found["ready"] > 0
    assert fresh("benchmarks.detector_start:measure", BASELINE, 0, texts)["megabytes"] > 10
