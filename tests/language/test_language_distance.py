"""Distances by Glottolog's families and CLDR's scripts."""

import pytest

from pipeline.language.language_distance import OTHER_SCRIPT, RELATED_DISTANCE, distance, nearest


@pytest.mark.parametrize(
    ("tag", "languages", "expected"),
    [
        ("gl", ("en_XX", "fr_XX", "es_XX"), "es_XX"),
        ("nb", ("en_XX", "de_DE", "da_DK"), "da_DK"),
        ("uk", ("pl_PL", "ru_RU"), "ru_RU"),
        ("lb", ("fr_XX", "de_DE"), "de_DE"),
        ("br", ("fr_XX", "cy_GB"), "cy_GB"),
        ("rw", ("fr_XX", "sw_KE"), "sw_KE"),
        ("ht", ("es_XX", "fr_XX"), "fr_XX"),
        ("ti", ("ar_AR", "am_ET"), "am_ET"),
        ("nl", ("de_DE", "en_XX"), "de_DE"),  # English is as near
        ("nl", ("en_XX", "de_DE"), "en_XX"),
    ],
)
def test_nearest_is_of_the_family(tag, languages, expected):
    code, apart = nearest(tag, languages)
    assert code == expected
    assert 0 < apart <= RELATED_DISTANCE


@pytest.mark.parametrize(
    ("tag", "languages"),
    [
        ("zu", ("en_XX", "es_XX")),
        ("tlh", ("eo_EO",)),  # artificial languages are no family
        ("vo", ("eo_EO",)),
        ("tg", ("fa_IR", "ru_RU")),  # Persian in Cyrillic letters
        ("sr-Cyrl", ("hr_HR",)),
        ("eu", ("es_XX",)),  # a neighbour of no kin
        ("und", ("en_XX",)),
        ("qaa", ("en_XX",)),
        ("gl", ()),
    ],
)
def test_nearest_neither_kin_nor_script_is_none(tag, languages):
    assert nearest(tag, languages) is None


def test_distance_of_another_script_is_more():
    assert distance("sr-Cyrl", "hr") == pytest.approx(distance("sr-Latn", "hr") + OTHER_SCRIPT)


def test_distance_of_a_macrolanguage_is_that_of_its_predominant_part():
    assert distance("ms", "id") == distance("zsm", "id") < RELATED_DISTANCE


def test_distance_of_a_language_that_is_also_a_group_is_its_own():
    assert distance("bho", "hi") < RELATED_DISTANCE


def test_distance_is_the_same_both_ways_and_none_to_itself():
    assert distance("uk", "ru") == distance("ru", "uk")
    assert distance("fa", "fa") == 0


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("nb", "da_DK"),
        ("lb", "de_DE"),
        ("gl", "es_XX"),
        ("bs", "hr_HR"),
        ("uk", "ru_RU"),
        ("af", "nl_XX"),
        ("yue", "zh_TW"),
        ("zu", None),
        ("el", None),
        ("und", None),
    ],
)
def test_nearest_of_many_is_in_reach_or_none(tag, code):
    languages = ("en_XX", "da_DK", "de_DE", "es_XX", "hr_HR", "nl_XX", "ru_RU", "zh_CN", "zh_TW")
    found = nearest(tag, languages)
    assert (found and found[0]) == code


def test_nearest_among_codes_without_tags_is_none():
    assert nearest("de", ("qq_QQ",)) is None
