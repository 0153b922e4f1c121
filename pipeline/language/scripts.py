"""Scripts that tell a language by themselves: Thai letters are Thai.

Enters: texts. Leaves: for each the X-MOD language that its letters leave no doubt of, or None. What
holds: only scripts that one language of facebook/xmod-base is written in decide; Chinese characters
count for Japanese where kana stand among them, and for nothing elsewhere.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import regex
from numpy.typing import NDArray

from pipeline.language.ngrams import CODE_POINTS

SOLE = {
    "Armenian": "hy_AM",
    "Bengali": "bn_IN",
    "Ethiopic": "am_ET",
    "Georgian": "ka_GE",
    "Greek": "el_GR",
    "Gujarati": "gu_IN",
    "Gurmukhi": "pa_IN",
    "Hangul": "ko_KR",
    "Hebrew": "he_IL",
    "Kannada": "kn_IN",
    "Khmer": "km_KH",
    "Lao": "lo_LA",
    "Malayalam": "ml_IN",
    "Myanmar": "my_MM",
    "Oriya": "or_IN",
    "Sinhala": "si_LK",
    "Tamil": "ta_IN",
    "Telugu": "te_IN",
    "Thai": "th_TH",
}
"""Unicode script → the one language of X-MOD's 81 that is written in it."""

LATIN_SERBIAN = "sr_Latn_RS"
"""The label under which Serbian in Latin script is counted, apart from Cyrillic."""

JAPANESE = "ja_XX"
LEAST_SHARE = 0.9
"""The share of its letters that a script must have to decide."""
LEAST_KANA = 0.2
"""Kana a letter of Japanese, at least: Chinese quotes の and little more."""

_LATIN, _CYRILLIC = regex.compile(r"\p{Latin}"), regex.compile(r"\p{Cyrillic}")
_NO_LETTER, _OTHER, _HAN, _KANA = 0, 1, 2, 3
_FIRST_SOLE = 4
_LANGUAGES = list(SOLE.values())


def told_by_script(texts: Sequence[str]) -> list[tuple[str, float] | None]:
    """For each text the language of its script, and which share of the letters is in it."""
    counts = _counts(texts).astype(np.float64)
    letters = np.maximum(counts[:, _OTHER:].sum(axis=1), 1)
    kana, japanese = counts[:, _KANA], counts[:, _HAN] + counts[:, _KANA]
    shares = counts[:, _FIRST_SOLE:] / letters[:, None]
    best = shares.argmax(axis=1)
    found: list[tuple[str, float] | None] = [None] * len(texts)
    for row in np.flatnonzero(shares.max(axis=1, initial=0) >= LEAST_SHARE).tolist():
        found[row] = (_LANGUAGES[best[row]], float(shares[row, best[row]]))
    is_japanese = (japanese / letters >= LEAST_SHARE) & (kana >= LEAST_KANA * japanese) & (kana > 0)
    for row in np.flatnonzero(is_japanese).tolist():
        found[row] = (JAPANESE, float(japanese[row] / letters[row]))
    return found


def label_of(code: str, text: str) -> str:
    """The label under which a ``text`` in the X-MOD language ``code`` is counted."""
    latin = len(_LATIN.findall(text)) > len(_CYRILLIC.findall(text))
    return LATIN_SERBIAN if code == "sr_RS" and latin else code


def _counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Letters of each kind; int64 [texts, kinds]."""
    kinds = _FIRST_SOLE + len(SOLE)
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    codes = np.minimum(np.frombuffer(joined, dtype="<u4"), CODE_POINTS - 1)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    cells = rows * kinds + _kinds()[codes]
    return np.bincount(cells, minlength=len(texts) * kinds).reshape(len(texts), kinds)


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point counts as; marks are no letters of their own."""
    everything = "".join(
        chr(code) if not 0xD800 <= code < 0xE000 else " " for code in range(CODE_POINTS)
    )
    kinds = np.full(CODE_POINTS, _NO_LETTER, dtype=np.uint8)
    patterns = [r"\p{L}", r"\p{Han}", r"[\p{Hiragana}\p{Katakana}]"]
    patterns += [rf"\p{{{script}}}" for script in SOLE]
    for kind, pattern in enumerate(patterns, start=_OTHER):
        for match in regex.finditer(rf"(?V1)[{pattern}&&\p{{L}}]+", everything):
            kinds[match.start() : match.end()] = kind
    return kinds
