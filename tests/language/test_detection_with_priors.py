"""The detector asked once, and its answers weighed."""

from pipeline.config import LanguageSettings
from pipeline.language.detection_with_priors import DetectionWithPriors

SHORT = "Dia akan datang"
ISLANDS = ("en_XX", "id_ID", "ms_MY")


def languages(
    hearing: DetectionWithPriors, texts: list[str], priors: list[str | None]
) -> list[str | None]:
    return [mixture.answers[0].language for mixture in hearing(texts, priors, [])]


def test_hearing_prior_of_the_record_goes_before_that_of_the_corpus():
    hearing = DetectionWithPriors(LanguageSettings(expected=("id_ID",)), ISLANDS)
    assert languages(hearing, [SHORT, SHORT], [None, "ms"]) == ["id_ID", "ms_MY"]


def test_hearing_prior_that_names_nothing_leaves_the_next_one():
    hearing = DetectionWithPriors(LanguageSettings(expected=("id_ID",)), ISLANDS)
    assert languages(hearing, [SHORT], ["klingonish"]) == ["id_ID"]


def test_hearing_without_unit_prior_a_text_is_heard_alone():
    hearing = DetectionWithPriors(LanguageSettings(), ISLANDS)
    (alone,) = hearing([SHORT], [None], [])
    beside = hearing([SHORT, "Pihak berwenang mengatakan bahwa"], [None, None], ["id"] * 9)
    assert beside[0] == alone


def test_hearing_nothing_is_nothing():
    assert DetectionWithPriors(LanguageSettings(), ISLANDS)([], [], []) == []
