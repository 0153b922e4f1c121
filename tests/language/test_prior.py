"""What is expected, and what is seen all the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.detection import Detection
from pipeline.language.prior import UNEXPECTED, expecting, from_tags, unit_prior, weighed

LANGUAGES = ("de_DE", "en_XX", "nl_XX")
DOUBTFUL = Detection((("nl_XX", 0.55), ("de_DE", 0.4)), "lb", 0.1)


def test_weighed_expected_language_comes_first():
    answer = weighed(DOUBTFUL, expecting(["de_DE"]))
    whole = 0.4 + (0.55 + 0.05) * UNEXPECTED
    assert answer.ranked == (
        ("de_DE", pytest.approx(0.4 / whole)),
        ("nl_XX", pytest.approx(0.55 * UNEXPECTED / whole)),
    )
    seen = 0.1 * UNEXPECTED
    assert answer.outside == "lb"
    assert answer.outside_score == pytest.approx(seen / (seen + 0.4 + 0.55 * UNEXPECTED))


def test_weighed_plain_evidence_stays():
    plain = Detection((("nl_XX", 0.99), ("de_DE", 0.01)))
    assert weighed(plain, expecting(["de_DE"])).language == "nl_XX"


def test_weighed_without_prior_or_answer_is_as_it_was():
    assert weighed(DOUBTFUL, {}) is DOUBTFUL
    assert weighed(Detection(), expecting(["de_DE"])) == Detection()


@given(st.floats(0.01, 1), st.floats(0, 1))
def test_weighed_scores_stay_probabilities(first, share):
    answer = Detection((("nl_XX", first), ("de_DE", (1 - first) * share)))
    scores = [score for _, score in weighed(answer, expecting(["de_DE", "en_XX"])).ranked]
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
def test_from_tags_reads_any_spelling_and_passes_over_the_rest(tags, expected):
    assert set(from_tags(tags, LANGUAGES)) == expected


def test_unit_prior_is_of_the_sure_alone_and_leaves_a_chance_to_the_rest():
    sure = [Detection((("de_DE", 0.95),))] * 40 + [Detection((("en_XX", 0.99),))]
    prior = unit_prior([*sure, *[Detection((("nl_XX", 0.6),))] * 50, Detection()], [])
    assert prior == {"de_DE": 1.0, "en_XX": UNEXPECTED}
    assert unit_prior([], []) == {}


def test_unit_prior_counts_what_other_records_were_told_to_be():
    assert unit_prior([Detection((("de_DE", 0.95),))], ["en_XX"] * 2) == {
        "en_XX": 1.0,
        "de_DE": 0.5,
    }


def test_from_tags_names_of_several_words_stay_whole():
    assert set(from_tags("Chinese (Traditional)", ("zh_CN", "zh_TW"))) == {"zh_TW"}
