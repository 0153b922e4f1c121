"""How far two languages are apart, and which of some languages is nearest to one.

Enters: BCP 47 tags. Leaves: a distance, 0 to 1.5. What holds: families are Glottolog's (Hammarström
et al., as the package qwanqwa carries them) and scripts CLDR's, so that kinship and writing count
and nothing else; a language of no known family is at 1 from all others.
"""

from functools import cache, lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from langcodes import Language
from langcodes.data_dicts import NORMALIZED_MACROLANGUAGES

from pipeline.language.tags import bcp47

if TYPE_CHECKING:
    from qq import Database

RELATED_DISTANCE = 0.6
"""Up to here a language stands in for another: Faroese → Icelandic 0.13, Galician → Portuguese
0.13, Ukrainian → Russian 0.23, Luxembourgish → German 0.45, Dutch → German or English
0.55."""

OTHER_SCRIPT = 0.5
"""What another script adds: a model that knows Persian in Arabic letters reads no Tajik."""

_UNRELATED = 1.0
_NO_FAMILIES = frozenset(
    {
        *("Artificial Language", "Bookkeeping", "Mixed Language", "Pidgin", "Sign Language"),
        *("Speech Register", "Unattested", "Unclassifiable"),
    }
)
"""Glottolog's shelves for what has no family."""
_PREDOMINANT = {whole: part for part, whole in NORMALIZED_MACROLANGUAGES.items()}
"""CLDR's: ``ar`` stands for ``arb``, ``ms`` for ``zsm``; Glottolog has a place for these only."""


@lru_cache(maxsize=4096)
def nearest(tag: str, languages: tuple[str, ...]) -> tuple[str, float] | None:
    """The X-MOD code of ``languages`` nearest to ``tag``, and its distance.

    None beyond ``RELATED_DISTANCE``. Of several as near, the first of ``languages``.
    """
    found = [(distance(tag, bcp47(code, languages)), code) for code in languages]
    apart, code = min(found, key=lambda item: item[0], default=(_UNRELATED, ""))
    return (code, apart) if apart <= RELATED_DISTANCE else None


def distance(tag: str, other: str) -> float:
    """Wu and Palmer's distance in the tree of families (ACL 1994), and what another script adds."""
    first, second = Language.get(tag), Language.get(other)
    kinship = _apart(_lineage(str(first.language)), _lineage(str(second.language)))
    differ = first.maximize().script != second.maximize().script
    return kinship + OTHER_SCRIPT * differ


def _apart(line: tuple[str, ...], other: tuple[str, ...]) -> float:
    both = zip(line, other, strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))
    return 1 - 2 * common / max(1, len(line) + len(other))


@cache
def _lineage(language: str) -> tuple[str, ...]:
    """From the family down to ``language``; of a macrolanguage, to its predominant part.

    Empty where Glottolog knows no family, or one that is none: Klingon is no kin of Esperanto.
    """
    for code in (language, _PREDOMINANT.get(language)):
        try:
            languoid = _database().get(code) if code else None
        except KeyError:
            continue
        line = [] if languoid is None else [languoid, *(languoid.family_tree or ())]
        if len(line) > 1:
            kin = line[-1].name not in _NO_FAMILIES
            return tuple(str(one.id) for one in reversed(line)) if kin else ()
    return ()


@cache
def _database() -> "Database":
    # Seconds and 400 MB, which only the fallback to relatives is worth.
    from qq import Database

    return Database.load()
