"""A library's labels as X-MOD languages."""

import math

import pytest

from pipeline.language.calibration import Calibration
from pipeline.language.detection import Detection
from pipeline.language.library import LibraryDetector


class FakeLibrary:
    """Gives the same probabilities for every text."""

    def __init__(self, **probabilities: float) -> None:
        self.labels = list(probabilities)
        self.answer = probabilities

    version = "fake 1"

    def probabilities(self, text: str):
        return self.answer.items()


def test_score_is_shared_with_the_likeliest_other_language_only():
    detector = LibraryDetector(
        FakeLibrary(de=0.3, en=0.1, nl=0.2, fr=0.15, fi=0.25), ("de_DE", "en_XX")
    )
    (answer,) = detector.detect(["wort"])
    ranked = (("de_DE", pytest.approx(0.3 / 0.65)), ("en_XX", pytest.approx(0.1 / 0.65)))
    assert answer == Detection(ranked, "fi", pytest.approx(0.25))


def test_score_counts_what_belongs_to_no_language():
    detector = LibraryDetector(FakeLibrary(de=0.3, und=0.7), ("de_DE",))
    assert detector.detect(["wort"]) == [Detection((("de_DE", pytest.approx(0.3)),))]


def test_score_adds_labels_that_one_adapter_serves():
    library = FakeLibrary(no=0.3, nn=0.25, da=0.4)
    (answer,) = LibraryDetector(library, ("da_DK", "no_XX")).detect(["ord"])
    assert (answer.language, answer.score) == ("no_XX", pytest.approx(0.55 / 0.95))


def test_detect_library_without_an_answer_gives_no_language():
    assert LibraryDetector(FakeLibrary(), ("de_DE",)).detect(["wort"]) == [Detection()]


def test_score_is_calibrated_and_the_others_share_the_rest():
    library = FakeLibrary(de=0.6, en=0.3, nl=0.1)
    detector = LibraryDetector(library, ("de_DE", "en_XX", "nl_XX"), Calibration(base=2))
    (answer,) = detector.detect(["wort"])
    scores = dict(answer.ranked)
    calibrated = 1 / (1 + math.exp(-2 - math.log(0.6 / 0.4)))
    assert scores["de_DE"] == pytest.approx(calibrated, rel=1e-5)
    assert scores["en_XX"] == pytest.approx((1 - calibrated) * 0.75, rel=1e-4)


def test_version_is_the_librarys():
    assert LibraryDetector(FakeLibrary(de=1.0), ("de_DE",)).version == "fake 1"


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (("en_XX", "bs_BA", "hr_HR"), "hr_HR"),
        (("en_XX", "hr_HR"), "hr_HR"),
        (("en_XX", "bs_BA"), "bs_BA"),
        (("en_XX",), None),
    ],
)
def test_detect_bosnian_and_croatian_are_the_one_that_there_is(languages, expected):
    library = FakeLibrary(bs=0.3, hr=0.3, en=0.2)
    (answer,) = LibraryDetector(library, languages).detect(["riječ"])
    assert (answer.language if expected else answer.outside) == (expected or "hr")
