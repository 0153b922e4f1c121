"""Texts in several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.detection import Detection
from pipeline.language.mixture import LONGEST_PIECE, Mixture, pieces
from pipeline.settings import LanguageSettings

SETTINGS = LanguageSettings()
LANGUAGES = ("de_DE", "en_XX")
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
    mixture = Mixture((100, 50, 60), (ENGLISH, GERMAN, GERMAN))
    assert mixture.main(SETTINGS) == Detection((("de_DE", pytest.approx(0.9)),))


def test_main_may_be_a_language_without_adapter():
    mixture = Mixture((100, 50), (GREEK, GERMAN))
    assert mixture.main(SETTINGS) == Detection((), "el", pytest.approx(0.7))


def test_main_where_nothing_is_told_is_the_best_guess():
    assert Mixture((5, 5), (Detection(), UNSURE)).main(SETTINGS) == UNSURE
    assert Mixture((), ()).main(SETTINGS) == Detection()


def test_shares_are_of_characters_and_name_what_is_not_known():
    mixture = Mixture((50, 30, 15, 5), (GERMAN, GREEK, ENGLISH, UNSURE))
    assert mixture.shares(SETTINGS, LANGUAGES) == [
        {"language": "de", "share": 0.5},
        {"language": "el", "share": 0.3},
        {"language": "en", "share": 0.15},
        {"language": "und", "share": 0.05},
    ]


def test_segments_join_neighbours_and_leave_the_unknown_to_the_record():
    mixture = Mixture((50, 30, 15, 5), (GERMAN, GERMAN, GREEK, ENGLISH))
    assert mixture.segments(SETTINGS) == [(80, "de_DE"), (95, None), (100, "en_XX")]
