"""Words by UAX 29, and the tokens that begin them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tasks.words import Word, words_of


def characters(text: str) -> list[tuple[int, int]]:
    return [(place, place + 1) for place in range(len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna lives in Sopot, now.", ["Anna", "lives", "in", "Sopot", ",", "now", "."]),
        ("Anna's and Hans’ cat", ["Anna", "'s", "and", "Hans", "’", "cat"]),
        ("l'Alacant d'abord", ["l'Alacant", "d'abord"]),
        ("the U.S. and D.C.", ["the", "U.S.", "and", "D.C."]),
        ("«Yahoo!» 3.5%", ["«", "Yahoo", "!", "»", "3.5", "%"]),
        ("नमस्ते दिल्ली।", ["नमस्ते", "दिल्ली", "।"]),
        ("สวัสดี", list("สวัสดี")),
    ],
)
def test_words_of_a_text_whose_tokens_are_its_characters(text, expected):
    found = words_of(text, characters(text))
    assert [text[word.start : word.end] for word in found] == expected


def test_words_have_the_token_that_begins_them():
    text = "in Sopot, ja"
    spans = [(0, 2), (2, 5), (5, 9), (9, 12)]
    assert words_of(text, spans) == [Word(0, 2, 0), Word(3, 8, 1), Word(10, 12, 3)]


@pytest.mark.parametrize(("text", "spans"), [("a b", [(0, 1), (1, 3)]), ("去北", [(0, 1), (1, 2)])])
def test_words_never_begin_with_a_special_token(text, spans):
    words = words_of(text, [(0, 0), *spans, (0, 0)])
    assert [word.token for word in words] == [1, 2]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    cuts=st.sets(st.integers(1, 29)),
)
def test_words_of_any_text_are_in_order_and_touch_their_token(text, cuts):
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    spans = list(pairwise(edges)) if text else []
    before = 0
    tokens = set()
    for word in words_of(text, spans):
        assert before <= word.start < word.end <= len(text)
        assert word.token not in tokens
        start, end = spans[word.token]
        assert word.start < end
        assert start < word.end
        before = word.end
        tokens.add(word.token)
