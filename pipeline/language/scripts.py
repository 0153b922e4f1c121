"""What scripts tell: the one language that is written in a script, and the script of Chinese."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
import regex
from numpy.typing import NDArray

from pipeline.language.evidence import LONGEST_EVIDENCE
from pipeline.language.ngrams import CODE_POINTS

SOLE = dict(
    pair.split(":")
    for pair in (
        "Armenian:hy_AM Bengali:bn_IN Ethiopic:am_ET Georgian:ka_GE Greek:el_GR Gujarati:gu_IN "
        "Gurmukhi:pa_IN Hangul:ko_KR Hebrew:he_IL Kannada:kn_IN Khmer:km_KH Lao:lo_LA "
        "Malayalam:ml_IN Myanmar:my_MM Oriya:or_IN Sinhala:si_LK Tamil:ta_IN Telugu:te_IN "
        "Thai:th_TH"
    ).split()
)
"""Unicode script → the only one of X-MOD's 81 languages that is written in it."""

LATIN_SERBIAN = "sr_Latn_RS"
"""The label of Serbian in Latin script, which is trained apart from Cyrillic."""

_LEAST_SHARE = 0.9
"""Minimum share of a text's letters that a script must have to decide."""
_LEAST_KANA = 0.2
"""Minimum share of kana in Japanese letters: Chinese quotes の and little more."""

_LATIN, _CYRILLIC = regex.compile(r"\p{Latin}"), regex.compile(r"\p{Cyrillic}")
_NOT_HAN = regex.compile(r"\P{Han}+")
_NO_LETTER, _OTHER, _HAN, _KANA, _FIRST_SOLE = range(5)
_LANGUAGES = list(SOLE.values())


def language_of_script(texts: Sequence[str]) -> list[tuple[str, float] | None]:
    """For each text the one language of its script and that script's share of the letters.

    None where no script decides: Chinese characters count for Japanese if kana are among them.
    """
    counts = _counts(texts).astype(np.float64)
    letters = np.maximum(counts[:, _OTHER:].sum(axis=1), 1)
    kana, japanese = counts[:, _KANA], counts[:, _HAN] + counts[:, _KANA]
    shares = counts[:, _FIRST_SOLE:] / letters[:, None]
    best = shares.argmax(axis=1)
    found: list[tuple[str, float] | None] = [None] * len(texts)
    for row in np.flatnonzero(shares.max(axis=1, initial=0) >= _LEAST_SHARE).tolist():
        found[row] = (_LANGUAGES[best[row]], float(shares[row, best[row]]))
    is_japanese = japanese / letters >= _LEAST_SHARE
    is_japanese &= (kana >= _LEAST_KANA * japanese) & (kana > 0)
    for row in np.flatnonzero(is_japanese).tolist():
        found[row] = ("ja_XX", float(japanese[row] / letters[row]))
    return found


def chinese_script(text: str) -> Literal["Hans", "Hant"] | None:
    """Simplified or traditional; None where the characters of ``text`` are the same in both.

    By Python's codecs: GB 2312 has only simplified characters and Big5 only traditional ones, so
    that the characters which one of them can encode and the other cannot decide.
    """
    han = _NOT_HAN.sub("", text[:LONGEST_EVIDENCE])
    simplified, traditional = (len(han.encode(codec, "ignore")) for codec in ("gb2312", "big5"))
    if simplified == traditional:
        return None
    return "Hans" if simplified > traditional else "Hant"


def label_of(code: str, text: str) -> str:
    """The label under which a ``text`` in the X-MOD language ``code`` is trained."""
    latin = len(_LATIN.findall(text)) > len(_CYRILLIC.findall(text))
    return LATIN_SERBIAN if code == "sr_RS" and latin else code


def _counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Number of letters of each kind; int64 [texts, kinds]."""
    kinds = _FIRST_SOLE + len(SOLE)
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    codes = np.minimum(np.frombuffer(joined, dtype="<u4"), CODE_POINTS - 1)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    cells = rows * kinds + _kinds()[codes]
    return np.bincount(cells, minlength=len(texts) * kinds).reshape(len(texts), kinds)


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of each code point; marks are no letters."""
    surrogates = range(0xD800, 0xE000)
    everything = "".join(" " if code in surrogates else chr(code) for code in range(CODE_POINTS))
    kinds = np.full(CODE_POINTS, _NO_LETTER, dtype=np.uint8)
    patterns = [r"\p{L}", r"\p{Han}", r"[\p{Hiragana}\p{Katakana}]"]
    patterns += [rf"\p{{{script}}}" for script in SOLE]
    for kind, pattern in enumerate(patterns, start=_OTHER):
        for match in regex.finditer(rf"(?V1)[{pattern}&&\p{{L}}]+", everything):
            kinds[match.start() : match.end()] = kind
    return kinds
