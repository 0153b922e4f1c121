"""Character n-grams of many texts at once, as positions in a hashed table.

Enters: texts. Leaves: ``Ngrams``: for each text, the buckets of its n-grams. What holds: letters
and marks count, in lower case; everything else is one space; a text's n-grams depend on that text
alone. All of it is arithmetic on arrays of code points, so that a text costs microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

LONGEST = 4
"""Characters of the longest n-gram; shorter ones count too."""

_SPACE, _END = 32, 10
_PRIME = np.uint32(0x9E3779B1)
_CODE_POINTS = 0x20000
"""Those that are looked up; beyond are rare Chinese characters, which all fold to the last one."""

Codes = NDArray[np.uint32]


@dataclass(frozen=True)
class Ngrams:
    """The n-grams of a batch of texts, as the rows of a compressed sparse matrix.

    ``buckets`` int32 [n-grams], one text after the other; those of text ``i`` are at
    ``bounds[i]:bounds[i + 1]``, with ``bounds`` int64 [texts + 1].
    """

    buckets: NDArray[np.int32]
    bounds: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """N-grams of each text; int64 [texts]."""
        return np.diff(self.bounds)


def ngrams(texts: Sequence[str], bits: int) -> Ngrams:
    """N-grams of ``texts`` in ``2 ** bits`` buckets."""
    codes = _letters(texts)
    buckets, kept = _hashed(codes, bits)
    ends = np.flatnonzero(codes == _END)
    found = np.cumsum(kept.sum(axis=1))
    return Ngrams(buckets[kept], np.concatenate([[0], found[ends]]))


def _letters(texts: Sequence[str]) -> Codes:
    """Lower-case letters and marks, words apart by one space; _END ends a text."""
    joined = "\n".join(text.replace("\n", " ") for text in texts) + "\n"
    seen = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    codes = _folded()[np.minimum(seen, _CODE_POINTS - 1)]
    space = codes == _SPACE
    after_space = np.concatenate([[False], space[:-1]])
    kept: Codes = codes[~(space & after_space)]
    return kept


def _hashed(codes: Codes, bits: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Buckets of the n-grams that begin at each character, and whether there is one.

    Both are [characters, LONGEST]. None crosses the end of a text, and none is a lone space.
    """
    buckets = np.zeros((len(codes), LONGEST), dtype=np.int32)
    kept = np.zeros((len(codes), LONGEST), dtype=bool)
    hashed = np.zeros(len(codes), dtype=np.uint32)
    inside = np.ones(len(codes), dtype=bool)
    for size in range(min(LONGEST, len(codes))):
        last = codes[size:]
        hashed = (hashed[: len(last)] * np.uint32(31337) + last) * _PRIME
        hashed ^= hashed >> np.uint32(15)
        inside = inside[: len(last)] & (last != _END)
        kept[: len(last), size] = inside if size else inside & (last != _SPACE)
        buckets[: len(last), size] = (hashed + np.uint32(size * 0x51ED27)) >> np.uint32(32 - bits)
    return buckets, kept


@cache
def _folded() -> Codes:
    """For each code point its lower case, _SPACE for what is no letter or mark, _END for itself."""
    table = np.full(_CODE_POINTS, _SPACE, dtype=np.uint32)
    for code in range(_CODE_POINTS):
        character = chr(code)
        if category(character)[0] in "LM":
            lower = character.lower()
            table[code] = ord(lower) if len(lower) == 1 else code
    table[_END] = _END
    table[_CODE_POINTS - 1] = _CODE_POINTS - 1
    return table
