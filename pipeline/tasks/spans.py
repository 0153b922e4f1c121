"""Where words and entities begin and end in a text of any script.

Enters: a text and code-point offsets. Leaves: decisions about them. What holds: a character that
people see as one (a letter with its marks, an emoji of several code points) is never cut.
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
"""Code points that can join others; where a text has none, each is a character by itself."""


def is_word_start(text: str, start: int) -> bool:
    """Whether a token at ``start`` begins a word.

    After a space, as transformers' pipeline has it (any white space here); and on both sides of a
    character of a script that is written without spaces, where a space says nothing.
    """
    return start == 0 or _WORD_EDGE.search(text, start - 1, start + 1) is not None


def boundaries(text: str) -> Sequence[int]:
    """Rising positions between the characters of ``text`` (UAX 29, extended grapheme clusters)."""
    if not _JOINING.search(text):
        return range(len(text) + 1)
    return [0, *(grapheme.end() for grapheme in _GRAPHEME.finditer(text))]


def fitted(text: str, between: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """``start`` and ``end`` moved to ``between``, the text's boundaries, and off white space.

    A cut character belongs to the span that holds its beginning.
    """
    start, end = (between[bisect_left(between, position)] for position in (start, end))
    return _trimmed(text, start, end)


def widened(text: str, between: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """As ``fitted``, but a cut character belongs to the span, so that some of it is left."""
    before, after = bisect_right(between, start) - 1, bisect_left(between, end)
    return _trimmed(text, between[before], between[after])


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
