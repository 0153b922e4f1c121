"""Character n-grams in buckets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.ngrams import LONGEST, ngrams

BITS = 12


def of_each(texts: list[str]) -> list[list[int]]:
    found = ngrams(texts, BITS)
    return [
        sorted(found.buckets[first:last].tolist())
        for first, last in zip(found.bounds, found.bounds[1:], strict=False)
    ]


def test_ngrams_count_all_lengths_within_a_text():
    # A space counts in longer ones only: "a b" has a, b, "a ", " b" and itself.
    assert ngrams(["ab", "abc", "a b"], BITS).counts.tolist() == [3, 6, 5]


def test_ngrams_case_digits_and_punctuation_do_not_count():
    plain, *others = of_each(["wort ist wort", "WORT -- ist: Wort", "wort 12 ist (3) wort"])
    assert others == [plain, plain]


def test_ngrams_text_without_letters_has_none():
    assert ngrams(["", "12 – 34", "🙂"], BITS).counts.tolist() == [0, 0, 0]


def test_ngrams_marks_belong_to_letters():
    assert of_each(["কি"]) != of_each(["ক"])


@given(st.lists(st.text(st.characters(), max_size=12), min_size=1, max_size=6))
def test_ngrams_depend_on_their_text_alone(texts):
    assert of_each(texts) == [of_each([text])[0] for text in texts]


@given(st.text(max_size=30))
def test_ngrams_are_at_most_longest_a_character(text):
    found = ngrams([text], BITS)
    assert len(found.buckets) <= LONGEST * (len(text) + 1)
    assert ((found.buckets >= 0) & (found.buckets < 2**BITS)).all()


def test_ngrams_seldom_share_a_bucket():
    words = ["".join(chr(97 + int(digit)) for digit in f"{number:05d}") for number in range(2000)]
    distinct = {
        word[start : start + size]
        for word in words
        for size in range(1, LONGEST + 1)
        for start in range(len(word) - size + 1)
    }
    assert len(np.unique(ngrams(words, 20).buckets)) > 0.99 * len(distinct)
