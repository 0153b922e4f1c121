"""Priors, and detections reweighted by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import LanguageSettings
from pipeline.language.detection import Detection
from pipeline.language.detection_with_priors import (
    UNEXPECTED,
    DetectionWithPriors,
    apply_prior,
    prior_from_tags,
    prior_from_unit,
    uniform_prior,
)

SHORT = "Dia akan datang"
ISLANDS = ("en_XX", "id_ID", "ms_MY")
LANGUAGES = ("de_DE", "en_XX", "nl_XX")
DOUBTFUL = Detection((("nl_XX", 0.55), ("de_DE", 0.4)), "lb", 0.1)


def languages(
    detection: DetectionWithPriors, texts: list[str], priors: list[str | None]
) -> list[str | None]:
    return [mixture.answers[0].language for mixture in detection(texts, priors, [])]


def test_detection_prior_of_the_record_goes_before_that_of_the_corpus():
    detection = DetectionWithPriors(LanguageSettings(expected=("id_ID",)), ISLANDS)
    assert languages(detection, [SHORT, SHORT], [None, "ms"]) == ["id_ID", "ms_MY"]


def test_detection_prior_that_names_nothing_leaves_the_next_one():
    detection = DetectionWithPriors(LanguageSettings(expected=("id_ID",)), ISLANDS)
    assert languages(detection, [SHORT], ["klingonish"]) == ["id_ID"]


def test_detection_without_unit_prior_a_text_is_on_its_own():
    detection = DetectionWithPriors(LanguageSettings(), ISLANDS)
    (alone,) = detection([SHORT], [None], [])
    beside = detection([SHORT, "Pihak berwenang mengatakan bahwa"], [None, None], ["id"] * 9)
    assert beside[0] == alone


def test_detection_of_no_texts_is_empty():
    assert DetectionWithPriors(LanguageSettings(), ISLANDS)([], [], []) == []


def test_apply_prior_expected_language_comes_first():
    answer = apply_prior(DOUBTFUL, uniform_prior(["de_DE"]))
    whole = 0.4 + (0.55 + 0.05) * UNEXPECTED
    assert answer.ranked == (
        ("de_DE", pytest.approx(0.4 / whole)),
        ("nl_XX", pytest.approx(0.55 * UNEXPECTED / whole)),
    )
    seen = 0.1 * UNEXPECTED
    assert answer.outside == "lb"
    assert answer.outside_score == pytest.approx(seen / (seen + 0.4 + 0.55 * UNEXPECTED))


def test_apply_prior_plain_evidence_stays():
    plain = Detection((("nl_XX", 0.99), ("de_DE", 0.01)))
    assert apply_prior(plain, uniform_prior(["de_DE"])).language == "nl_XX"


def test_apply_prior_without_prior_or_answer_is_as_it_was():
    assert apply_prior(DOUBTFUL, {}) is DOUBTFUL
    assert apply_prior(Detection(), uniform_prior(["de_DE"])) == Detection()


@given(st.floats(0.01, 1), st.floats(0, 1))
def test_apply_prior_scores_stay_probabilities(first, share):
    answer = Detection((("nl_XX", first), ("de_DE", (1 - first) * share)))
    scores = [score for _, score in apply_prior(answer, uniform_prior(["de_DE", "en_XX"])).ranked]
    assert all(0 <= score <= 1 for score in scores)
    assert sum(scores) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("de", {"de_DE"}),
        ("deu; eng_Latn", {"de_DE", "en_XX"}),
        ("nl|en", {"nl_XX", "en_XX"}),
        ("de en", {"de_DE", "en_XX"}),
        ("German|Dutch", {"de_DE", "nl_XX"}),
        ("klingonish", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_prior_from_tags_reads_any_spelling_and_passes_over_the_rest(tags, expected):
    assert set(prior_from_tags(tags, LANGUAGES)) == expected


def test_prior_from_unit_is_of_the_sure_alone_and_leaves_a_chance_to_the_rest():
    sure = [Detection((("de_DE", 0.95),))] * 40 + [Detection((("en_XX", 0.99),))]
    prior = prior_from_unit([*sure, *[Detection((("nl_XX", 0.6),))] * 50, Detection()], [])
    assert prior == {"de_DE": 1.0, "en_XX": UNEXPECTED}
    assert prior_from_unit([], []) == {}


def test_prior_from_unit_counts_what_other_records_were_told_to_be():
    assert prior_from_unit([Detection((("de_DE", 0.95),))], ["en_XX"] * 2) == {
        "en_XX": 1.0,
        "de_DE": 0.5,
    }


def test_prior_from_tags_names_of_several_words_stay_whole():
    assert set(prior_from_tags("Chinese (Traditional)", ("zh_CN", "zh_TW"))) == {"zh_TW"}
