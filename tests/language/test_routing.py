import pytest

from pipeline.config import LanguageSettings
from pipeline.contract.failure import Failure
from pipeline.language.detection import Detection
from pipeline.language.routing import Routed, Trouble, Unrouted, fall_back, from_detection, from_tag

LANGUAGES = ("en_XX", "de_DE", "es_XX", "zh_CN", "zh_TW")
QUARANTINE = LanguageSettings()
RELATED = LanguageSettings(fallback="related")
DEFAULT = LanguageSettings(fallback="default", fallback_language="en_XX")
GALICIAN = Unrouted(Trouble.LANGUAGE_WITHOUT_ADAPTER, "why", "gl", 0.9)
ZULU = Unrouted(Trouble.LANGUAGE_WITHOUT_ADAPTER, "why", "zu")
UNSURE = Unrouted(Trouble.LANGUAGE_UNCERTAIN, "why", "es", 0.3)
NOTHING = Unrouted(Trouble.NO_LANGUAGE, "why")
NONE = LanguageSettings(fallback="none")


def detected(code: str, score: float, outside: str | None = None, beside: float = 0.0) -> Detection:
    return Detection(((code, score),), outside, beside)


def test_from_tag_with_adapter_has_no_score():
    assert from_tag("deu", "", LANGUAGES) == Routed("de", None, "column", "de_DE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("这个", ("zh-Hans", "zh_CN")), ("這個", ("zh-Hant", "zh_TW")), ("你好", ("zh", "zh_CN"))],
)
def test_from_tag_bare_chinese_takes_its_script_from_the_text(text, expected):
    routed = from_tag("zh", text, LANGUAGES)
    assert (routed.language, routed.xmod_language) == expected


def test_from_tag_script_in_the_tag_is_believed():
    assert from_tag("zh-Hans", "這個", LANGUAGES).xmod_language == "zh_CN"


def test_from_tag_without_adapter_says_what_was_seen_and_how_to_correct_it():
    outcome = from_tag("glg", "x", LANGUAGES)
    assert (outcome.trouble, outcome.language) == ("LanguageWithoutAdapter", "gl")
    assert outcome.message == (
        "The language column's tag: 'gl' has no adapter. Expected one of en_XX, de_DE, es_XX, "
        "zh_CN, zh_TW. Correct the tag, or set language.fallback to default, related or none."
    )


def test_from_tag_unknown_has_its_own_trouble():
    outcome = from_tag("klingonish", "x", LANGUAGES)
    assert (outcome.trouble, outcome.language) == ("UnknownLanguageTag", "und")


def test_from_detection_at_the_threshold_is_routed():
    routed = from_detection(detected("de_DE", 0.5, "nl", 0.4), "wort", QUARANTINE, LANGUAGES)
    assert routed == Routed("de", 0.5, "detected", "de_DE")


def test_from_detection_traditional_text_through_the_simplified_adapter_keeps_its_tag():
    routed = from_detection(detected("zh_CN", 0.9), "這個", QUARANTINE, ("en_XX", "zh_CN"))
    assert (routed.language, routed.xmod_language) == ("zh-Hant", "zh_CN")


@pytest.mark.parametrize(
    ("answer", "trouble", "language", "score"),
    [
        (detected("de_DE", 0.4, "nl", 0.3), "LanguageUncertain", "de", 0.4),
        (detected("de_DE", 0.1, "nl", 0.8), "LanguageWithoutAdapter", "nl", 0.8),
        (Detection((), "el", 1.0), "LanguageWithoutAdapter", "el", 1.0),
        (Detection((), "el", 0.3), "LanguageUncertain", "el", 0.3),
        (Detection(), "NoLanguage", "und", None),
    ],
)
def test_from_detection_below_the_threshold_is_explained(answer, trouble, language, score):
    outcome = from_detection(answer, "wort", QUARANTINE, LANGUAGES)
    assert (outcome.trouble, outcome.language, outcome.score) == (trouble, language, score)
    assert "language." in outcome.message


@pytest.mark.parametrize("outcome", [GALICIAN, ZULU, UNSURE, NOTHING])
def test_fall_back_quarantine_leaves_it(outcome):
    assert fall_back(outcome, QUARANTINE, LANGUAGES) is outcome


@pytest.mark.parametrize("outcome", [GALICIAN, ZULU, UNSURE, NOTHING])
def test_fall_back_default_keeps_what_was_seen(outcome):
    routed = fall_back(outcome, DEFAULT, LANGUAGES)
    assert routed == Routed(outcome.language, outcome.score, "default", "en_XX")


def test_fall_back_related_takes_the_nearest():
    routed = fall_back(GALICIAN, RELATED, LANGUAGES)
    assert routed == Routed("gl", 0.9, "related", "es_XX", pytest.approx(0.14, abs=0.01))


def test_fall_back_related_with_nothing_near_is_quarantined_and_says_so():
    outcome = fall_back(ZULU, RELATED, LANGUAGES)
    assert outcome.failure() == Failure(
        "identify",
        "LanguageWithoutAdapter",
        "why No language with an adapter is within distance 0.6 in family and script.",
    )


@pytest.mark.parametrize("outcome", [UNSURE, NOTHING])
def test_fall_back_related_without_a_language_is_quarantined(outcome):
    assert fall_back(outcome, RELATED, LANGUAGES) is outcome


@pytest.mark.parametrize("outcome", [GALICIAN, ZULU, UNSURE, NOTHING])
def test_fall_back_none_goes_without_an_adapter_and_keeps_what_was_seen(outcome):
    routed = fall_back(outcome, NONE, LANGUAGES)
    assert routed == Routed(outcome.language, outcome.score, "none", None)


def test_from_detection_a_language_may_have_a_threshold_of_its_own():
    strict = LanguageSettings(min_scores={"es_XX": 0.8, "de_DE": 0.2})
    outcome = from_detection(detected("es_XX", 0.7), "palabra", strict, LANGUAGES)
    assert outcome.trouble == "LanguageUncertain"
    assert "expected 0.8 or more" in outcome.message
    assert from_detection(detected("de_DE", 0.3), "wort", strict, LANGUAGES).source == "detected"
