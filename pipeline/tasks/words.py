"""The words of a text by Unicode's rules (UAX 29, word boundaries), and the tokens that begin them.

Punctuation is a word of its own. A possessive 's is cut off, the period of an abbreviation is not.
In scripts that are written without spaces, or that join particles to names, as Korean does, each
token is a word: their words are not to be had from the letters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

_EDGE = regex.compile(r"\b", regex.WORD | regex.V1)
_POSSESSIVE = regex.compile(r"['’][sS]$")
_ABBREVIATION = regex.compile(r"\p{L}(?:\.\p{L})+")
_UNSPACED = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}"
    r"\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]"
)
_MEANT = regex.compile(r"[\p{L}\p{M}\p{N}\p{S}]")
"""What is in a word that is more than punctuation."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Word:
    """A span of the text, and the place among the tokens of the one that begins it."""

    start: int
    end: int
    token: int


def words_of(text: str, tokens: Sequence[Span]) -> list[Word]:
    """The words of ``text`` that have a token of their own, in order.

    ``tokens`` are its spans; special ones, which are of no character, have empty spans. Letters
    that share their token with the word before go on with it; punctuation that does is no word.
    """
    begins = [
        (_begin(text, start, end), end, token)
        for token, (start, end) in enumerate(tokens)
        if start < end
    ]
    found: list[Word] = []
    place = 0
    for start, end in _segments(text):
        first = place = _next(begins, place, start)
        place = _next(begins, place, end)
        if first < place:
            found += _begun(text, (start, end), begins[first:place])
        elif found and _MEANT.search(text, start, end):
            found[-1] = replace(found[-1], end=max(end, found[-1].end))
    return found


def _next(begins: Sequence[tuple[int, int, int]], place: int, position: int) -> int:
    """The first token from ``place`` on that begins at ``position`` or later."""
    while place < len(begins) and begins[place][0] < position:
        place += 1
    return place


def _begun(text: str, segment: Span, begins: Sequence[tuple[int, int, int]]) -> Iterator[Word]:
    """One word; in scripts without spaces, one for each token that begins in the segment."""
    start, end = segment
    if not _UNSPACED.search(text, start, end):
        yield Word(start, end, begins[0][2])
        return
    following = [*(first for first, _, _ in begins[1:]), end]
    for (first, last, token), after in zip(begins, following, strict=True):
        if first < after:  # a mark of the word's start may come before its first letter
            yield Word(first, _end(text, first, max(last, first + 1)), token)


def _segments(text: str) -> Iterator[Span]:
    """Words and marks between white space."""
    edges = [match.start() for match in _EDGE.finditer(text)]
    pending: Span | None = None
    for start, end in pairwise(edges):
        if pending and text[start:end] == "." and _ABBREVIATION.fullmatch(text, *pending):
            yield pending[0], end
            pending = None
            continue
        if pending:
            yield from _without_possessive(text, *pending)
        pending = None if text[start:end].isspace() else (start, end)
    if pending:
        yield from _without_possessive(text, *pending)


def _without_possessive(text: str, start: int, end: int) -> Iterator[Span]:
    found = _POSSESSIVE.search(text, start, end)
    if found and found.start() > start:
        yield start, found.start()
        yield found.start(), end
    else:
        yield start, end


def _begin(text: str, start: int, end: int) -> int:
    """Where a token's own text begins: some begin with the space before it."""
    while start < end - 1 and text[start].isspace():
        start += 1
    return start


def _end(text: str, start: int, end: int) -> int:
    """Where a token's letters end: some have punctuation after them."""
    last = end
    while last > start + 1 and not _MEANT.match(text, last - 1):
        last -= 1
    return last if _MEANT.match(text, last - 1) else end
