"""What texts are made of, as hashes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.ngrams import NGRAM, PAIR, SIZE, WORD, evidence


def of_each(texts: list[str]) -> list[tuple[list[int], list[int]]]:
    found = evidence(texts)
    return [
        (found.letters[a:b].tolist(), sorted(found.spans[c:d].tolist()))
        for a, b, c, d in zip(
            found.letter_bounds,
            found.letter_bounds[1:],
            found.span_bounds,
            found.span_bounds[1:],
            strict=False,
        )
    ]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", 0),
        ("12 – 34 🙂", 0),
        ("a", 0 + 1),  # " a " is shorter than an n-gram
        ("ab", 1 + 1),
        ("abc", 2 + 1),  # " abc", "abc ", and the word
        ("ab cd", 4 + 2 + 1),  # four n-grams of " ab cd ", two words, one pair
        ("abc def", 6 + 2 + 1),
    ],
)
def test_evidence_counts_ngrams_words_and_pairs(text, spans):
    assert len(evidence([text]).spans) == spans


def test_evidence_says_which_span_is_what():
    found = evidence(["ab cd"])
    assert sorted(found.span_kinds.tolist()) == [NGRAM] * 4 + [WORD] * 2 + [PAIR]


def test_evidence_word_and_ngram_of_the_same_characters_are_two_things():
    found = evidence(["ab"])
    assert found.span_kinds.tolist() == [NGRAM, WORD]
    assert found.spans[0] != found.spans[1]


def test_evidence_case_digits_and_punctuation_do_not_count():
    plain, *others = of_each(["wort ist wort", "WORT -- ist: Wort", "(3) wort 12 ist\nwort…"])
    assert others == [plain, plain]


def test_evidence_letters_are_lower_case_and_marks_belong_to_them():
    letters = evidence(["Ab 1 কি"]).letters
    assert [chr(code) for code in letters] == ["a", "b", "ক", "ি"]


def test_evidence_same_letters_in_another_order_are_other_spans():
    (_, one), (_, other) = of_each(["abcdef", "fedcba"])
    assert not set(one) & set(other)


def test_evidence_word_is_the_same_span_wherever_it_stands():
    (_, alone), (_, inside) = of_each(["kereta", "naik kereta api"])
    assert set(alone) <= set(inside)


@given(st.lists(st.text(st.characters(), max_size=12), min_size=1, max_size=6))
def test_evidence_depends_on_its_text_alone(texts):
    assert of_each(texts) == [of_each([text])[0] for text in texts]


@given(st.text(max_size=30))
def test_evidence_is_a_few_spans_a_character(text):
    assert len(evidence([text]).spans) <= 3 * (len(text) + 2)


def test_evidence_nothing_gives_nothing():
    found = evidence([])
    assert (len(found.letters), len(found.spans)) == (0, 0)
    assert found.span_bounds.tolist() == [0]


def test_evidence_hashes_seldom_meet():
    words = ["".join(chr(97 + int(digit)) for digit in f"{number:05d}") for number in range(2000)]
    padded = [f" {word} " for word in words]
    distinct = {word[i : i + SIZE] for word in padded for i in range(len(word) - SIZE + 1)}
    assert len(np.unique(evidence(words).spans)) == len(distinct) + len(words)
