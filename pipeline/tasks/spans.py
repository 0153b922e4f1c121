"""Words and whole characters in texts of any script.

A character that readers see as one (a letter with its marks, an emoji of several code points) is
never cut.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import regex

_WORD_EDGE = regex.compile(
    r"[\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}"
    r"\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]"
)
_GRAPHEME = regex.compile(r"\X")
_JOINING = regex.compile(r"[^\p{GCB=Other}\p{GCB=Control}\p{GCB=LF}\p{GCB=LV}\p{GCB=LVT}]")
"""Code points that can join others; in a text without any, each code point is a character."""


def is_word_start(text: str, start: int) -> bool:
    """Whether a token at ``start`` begins a word.

    It does after white space, as in transformers' pipeline, and on either side of a character of a
    script that is written without spaces.
    """
    return start == 0 or _WORD_EDGE.search(text, start - 1, start + 1) is not None


def boundaries(text: str) -> Sequence[int]:
    """Rising positions between the characters of ``text`` (UAX 29, extended grapheme clusters)."""
    if not _JOINING.search(text):
        return range(len(text) + 1)
    return [0, *(grapheme.end() for grapheme in _GRAPHEME.finditer(text))]


def fitted(text: str, between: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """The span moved to ``between``, the text's boundaries, and stripped of white space.

    A character that the span cuts belongs to it only if its beginning does.
    """
    return stripped(text, *(between[bisect_left(between, position)] for position in (start, end)))


def widened(text: str, between: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """As ``fitted``, but a character that the span cuts always belongs to it."""
    before, after = bisect_right(between, start) - 1, bisect_left(between, end)
    return stripped(text, between[before], between[after])


def stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
