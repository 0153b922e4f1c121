"""Words and characters of texts in any script."""

from itertools import accumulate

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tasks.spans import boundaries, fitted, is_word_start, widened

FAMILY = "👨‍👩‍👧‍👦"
TEXTS = st.text(alphabet="ab é\u0301\u0308\u200d👩👧🏽🇩🇪क्षिกำ각각\r\n\t؀שׁ李", max_size=30)


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("Anna", 0, True),
        ("in Prag", 3, True),
        ("in Prag", 4, False),
        ("in\u00a0Prag", 3, True),
        ("in\nPrag", 3, True),
        ("in Prag", 2, True),  # a token that begins with the space before its word
        ("北京大学", 2, True),
        ("iPhone手机", 6, True),
        ("手机iPhone", 2, True),
        ("東京タワー", 3, True),
        ("กรุงเทพ", 4, True),
        ("ວຽງຈັນ", 2, True),
        ("ភ្នំពេញ", 4, True),
        ("ရန်ကုန်", 3, True),
        ("서울시", 1, False),
        ("दिल्ली", 2, False),
        ("القاهرة", 3, False),
    ],
)
def test_is_word_start_by_script(text, start, expected):
    assert is_word_start(text, start) is expected


@given(TEXTS)
def test_boundaries_any_text_are_those_of_its_graphemes(text):
    graphemes = regex.findall(r"\X", text)
    assert list(boundaries(text)) == [0, *accumulate(len(grapheme) for grapheme in graphemes)]


def test_boundaries_long_row_of_flags_keeps_their_pairs():
    text = "x" + "🇩🇪" * 90
    assert list(boundaries(text)) == [0, *range(1, 182, 2)]


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("in Prag.", (2, 7), (3, 7)),
        ("in Prag \n", (3, 9), (3, 7)),
        (" \t ", (0, 3), (3, 3)),
        ("", (0, 0), (0, 0)),
        (f"a{FAMILY}b", (0, 3), (0, 8)),  # it holds the family's beginning
        (f"a{FAMILY}b", (3, 9), (8, 9)),
        (f"a{FAMILY}b", (2, 5), (8, 8)),
        ("Jose\u0301 B", (0, 4), (0, 5)),
        ("🇩🇪🇫🇷", (1, 3), (2, 4)),
    ],
)
def test_fitted_spans_hold_whole_characters_and_no_outer_space(text, span, expected):
    assert fitted(text, boundaries(text), *span) == expected


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("क्षि b", (1, 3), (0, 4)),
        (" a b ", (0, 4), (1, 4)),
        (FAMILY, (2, 3), (0, len(FAMILY))),
        ("a  b", (1, 3), (3, 3)),
    ],
)
def test_widened_spans_hold_the_whole_of_what_they_touch(text, span, expected):
    assert widened(text, boundaries(text), *span) == expected


@given(TEXTS, st.integers(0, 29), st.integers(1, 5))
def test_widened_span_with_something_to_see_is_not_empty(text, start, length):
    end = min(len(text), start + length)
    if text[start:end].strip():
        first, last = widened(text, boundaries(text), start, end)
        assert first < last
