"""Features of texts: letters, and hashes of n-grams, words and pairs of words.

All of it is arithmetic on arrays of code points, so that a text costs microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

SIZE = 4
"""Length of an n-gram in characters, spaces included."""
NGRAM, WORD, PAIR = 0, 1, 2
"""Kinds of spans."""
LETTER_WEIGHT = 0.5
SPAN_WEIGHTS = np.array([0.25, 1.0, 0.5], dtype=np.float32)
"""Weight of each kind, tuned on dev data: a word counts again in its n-grams and pairs."""
CODE_POINTS = 0x20000
"""Code points that are distinguished; all beyond, rare Chinese characters, count as the last."""

_SPACE, _END = 32, 10
_BASE = np.uint32(31337)
_INVERSE = np.uint32(pow(31337, -1, 2**32))

Codes = NDArray[np.uint32]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """The features of a batch of texts, one text after the other.

    ``letters`` are code points; those of text ``i`` are at ``letter_bounds[i]:letter_bounds[i+1]``.
    ``spans`` are hashes of n-grams, words and pairs of adjacent words, with the kind of each in
    ``span_kinds`` and bounds in ``span_bounds``. Bounds are int64 [texts + 1].
    """

    letters: Codes
    letter_bounds: Positions
    spans: Codes
    span_kinds: NDArray[np.uint8]
    span_bounds: Positions


def evidence(texts: Sequence[str]) -> Evidence:
    """The features of each of ``texts``, which depend on that text alone.

    Letters and marks count, in lower case; all else is one space, and so are both ends of a text.
    """
    codes = _letters(texts)
    ends = np.flatnonzero(codes == _END)
    begins, stops, kinds = _spans(codes)
    letter = (codes != _SPACE) & (codes != _END)
    return Evidence(
        letters=codes[letter],
        letter_bounds=_from_zero(np.cumsum(letter)[ends]),
        spans=_hashes(codes, begins, stops, kinds),
        span_kinds=kinds,
        span_bounds=_from_zero(np.searchsorted(begins, ends)),
    )


def _letters(texts: Sequence[str]) -> Codes:
    """Lower-case letters and marks, single spaces around words, and _END after each text."""
    joined = "".join(f" {text} \n" for text in (text.replace("\n", " ") for text in texts))
    seen = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    codes = _folded()[np.minimum(seen, CODE_POINTS - 1)]
    space = codes == _SPACE
    doubled = space[1:] & space[:-1]
    kept: Codes = codes[np.concatenate([[True], ~doubled])[: len(codes)]]
    return kept


def _spans(codes: Codes) -> tuple[Positions, Positions, NDArray[np.uint8]]:
    """Where n-grams, words and pairs begin and stop, and the kind of each, by their beginning."""
    end = codes == _END
    bound = np.flatnonzero((codes == _SPACE) | end)
    first, last = bound[:-1], bound[1:]
    word = (last - first > 1) & ~end[first]
    first, last = first[word], last[word] + 1
    pair = np.flatnonzero(first[1:] + 1 == last[:-1]) if len(first) else first
    any_ngram = np.arange(max(0, len(codes) - SIZE + 1))
    ends_before = np.cumsum(end)
    ngram = any_ngram[ends_before[any_ngram + SIZE - 1] == ends_before[any_ngram] - end[any_ngram]]
    begins = np.concatenate([ngram, first, first[pair]])
    stops = np.concatenate([ngram + SIZE, last, last[pair + 1]])
    each = np.array([NGRAM, WORD, PAIR], dtype=np.uint8)
    kinds = np.repeat(each, [len(ngram), len(first), len(pair)])
    order = np.argsort(begins, kind="stable")
    return begins[order], stops[order], kinds[order]


def _hashes(codes: Codes, begins: Positions, stops: Positions, kinds: NDArray[np.uint8]) -> Codes:
    """The mixed polynomial hash of each span's code points and kind, by differences of sums."""
    count = len(codes)
    powers = np.cumprod(np.full(count + 1, _BASE), dtype=np.uint32)
    inverses = np.cumprod(np.full(count + 1, _INVERSE), dtype=np.uint32)
    terms = _mixed(codes) * powers[:count]
    sums = np.zeros(count + 1, dtype=np.uint32)
    np.cumsum(terms, dtype=np.uint32, out=sums[1:])
    return _mixed((sums[stops] - sums[begins]) * inverses[begins] + kinds * _BASE)


def _mixed(values: Codes) -> Codes:
    """MurmurHash3's 32-bit finalizer (Appleby)."""
    values = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    values = (values ^ (values >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))


def _from_zero(counts: Positions) -> Positions:
    return np.concatenate([np.zeros(1, dtype=np.int64), counts])


@cache
def _folded() -> Codes:
    """Each code point's lower case; _SPACE for all but letters and marks; _END for itself."""
    table = np.full(CODE_POINTS, _SPACE, dtype=np.uint32)
    for code in range(CODE_POINTS):
        character = chr(code)
        if category(character)[0] in "LM":
            lower = character.lower()
            table[code] = ord(lower) if len(lower) == 1 else code
    table[_END] = _END
    table[CODE_POINTS - 1] = CODE_POINTS - 1
    return table
