"""Texts in several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import LanguageSettings
from pipeline.language.detection import Detection
from pipeline.language.mixture import LONGEST_PIECE, Mixture, pieces

SETTINGS = LanguageSettings()
LANGUAGES = ("de_DE", "en_XX", "zh_CN")


def mixture(*pieces: tuple[int, Detection]) -> Mixture:
    """Pieces of so many characters."""
    return Mixture(tuple("x" * count for count, _ in pieces), tuple(one for _, one in pieces))


GERMAN, ENGLISH = Detection((("de_DE", 0.9),)), Detection((("en_XX", 0.8),))
GREEK, UNSURE = Detection((), "el", 0.7), Detection((("de_DE", 0.3),))


@given(st.text(max_size=2000))
def test_pieces_make_the_text_and_are_short(text):
    found = pieces(text)
    assert "".join(found) == text
    assert all(0 < len(piece) <= LONGEST_PIECE for piece in found)


def test_pieces_end_at_lines_then_sentences_then_spaces():
    sentence = "Ein Satz mit ungefähr fünfzig Zeichen, mehr nicht. "
    first, *_ = pieces(sentence * 2 + "\n" + sentence * 9)
    assert first == sentence * 2 + "\n"
    first, *_ = pieces(sentence * 9)
    assert first.endswith("nicht.")
    first, *_ = pieces("wort " * 99)
    assert first.endswith("wort ")


def test_main_is_the_language_of_most_characters_with_its_own_score():
    mixed = mixture((100, ENGLISH), (50, GERMAN), (60, GERMAN))
    assert mixed.main(SETTINGS) == Detection((("de_DE", pytest.approx(0.9)),))


def test_main_may_be_a_language_without_adapter():
    assert mixture((100, GREEK), (50, GERMAN)).main(SETTINGS) == Detection(
        (), "el", pytest.approx(0.7)
    )


def test_main_where_all_is_uncertain_is_the_best_guess():
    assert mixture((5, Detection()), (5, UNSURE)).main(SETTINGS) == UNSURE
    assert Mixture((), ()).main(SETTINGS) == Detection()


def test_shares_are_of_characters_and_name_what_is_not_known():
    mixed = mixture((50, GERMAN), (30, GREEK), (15, ENGLISH), (5, UNSURE))
    assert mixed.shares(SETTINGS, LANGUAGES) == [
        {"language": "de", "fraction": 0.5},
        {"language": "el", "fraction": 0.3},
        {"language": "en", "fraction": 0.15},
        {"language": "und", "fraction": 0.05},
    ]


def test_shares_blanks_do_not_count():
    mixed = Mixture(("Wort" + " " * 40, "word"), (GERMAN, ENGLISH))
    assert [share["fraction"] for share in mixed.shares(SETTINGS, LANGUAGES)] == [0.5, 0.5]


def test_shares_of_chinese_are_as_written():
    mixed = Mixture(("這個",), (Detection((("zh_CN", 0.9),)),))
    assert mixed.shares(SETTINGS, LANGUAGES) == [{"language": "zh-Hant", "fraction": 1.0}]


def test_segments_join_neighbours_of_one_language():
    mixed = mixture((50, GERMAN), (30, GERMAN), (15, GREEK), (5, UNSURE), (5, ENGLISH))
    assert mixed.segments(SETTINGS) == [
        (80, ("de_DE", None)),
        (95, (None, "el")),
        (100, None),
        (105, ("en_XX", None)),
    ]
