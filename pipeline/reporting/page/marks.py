"""A text and what was found in it → pieces, marked or not.

Enters: a text and spans as code points, half-open. Leaves: ``Piece``s in the order of the text.
What holds: the pieces put together are the text, up to where it is cut; spans count code points, as
Python's strings do, whatever the script; a span that lies across an earlier one or outside the text
is left out, and so is one that the cut goes through.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A stretch of a text, and what it is called."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; ``label`` is None where nothing was found."""

    text: str
    label: str | None = None
    score: float = 0.0


def pieces(text: str, spans: Iterable[Span]) -> tuple[Piece, ...]:
    """``text`` cut at ``spans``."""
    return tuple(piece for piece in _pieces(text, spans) if piece.text)


def _pieces(text: str, spans: Iterable[Span]) -> Iterator[Piece]:
    done = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if done <= span.start < span.end <= len(text):
            yield Piece(text[done : span.start])
            yield Piece(text[span.start : span.end], span.label, span.score)
            done = span.end
    yield Piece(text[done:])
