"""Distance of two languages by family and script, and the nearest of several languages."""

from functools import cache, lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from langcodes import Language
from langcodes.data_dicts import NORMALIZED_MACROLANGUAGES

from pipeline.language.tags import bcp47

if TYPE_CHECKING:
    from qq import Database

RELATED_DISTANCE = 0.6
"""Maximum distance of a language that stands in for another: Faroese → Icelandic 0.13, Galician →
Portuguese 0.13, Ukrainian → Russian 0.23, Luxembourgish → German 0.45, Dutch → English 0.55."""

OTHER_SCRIPT = 0.5
"""Added where scripts differ: a model that knows Persian in Arabic letters reads no Tajik."""

_NO_FAMILIES = frozenset(
    {
        *("Artificial Language", "Bookkeeping", "Mixed Language", "Pidgin", "Sign Language"),
        *("Speech Register", "Unattested", "Unclassifiable"),
    }
)
"""Glottolog's groups of languages that are not related: Klingon is no kin of Esperanto."""
_PREDOMINANT = {whole: part for part, whole in NORMALIZED_MACROLANGUAGES.items()}
"""CLDR's main language of a macrolanguage, such as ``arb`` of ``ar``: Glottolog has only these."""


@lru_cache(maxsize=4096)
def nearest(tag: str, languages: tuple[str, ...]) -> tuple[str, float] | None:
    """The X-MOD code of ``languages`` nearest to ``tag``, and its distance.

    None beyond ``RELATED_DISTANCE``. Of several as near, the first of ``languages``.
    """
    found = ((code, distance(tag, bcp47(code, languages))) for code in languages)
    best = min(found, key=lambda item: item[1], default=None)
    return best if best and best[1] <= RELATED_DISTANCE else None


def distance(tag: str, other: str) -> float:
    """Wu and Palmer's distance (ACL 1994) in Glottolog's families, plus that of another script.

    0 to 1.5; a language of no known family is at 1 from all others.
    """
    first, second = Language.get(tag), Language.get(other)
    line, other_line = _lineage(str(first.language)), _lineage(str(second.language))
    pairs = zip(line, other_line, strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    kinship = 1 - 2 * common / max(1, len(line) + len(other_line))
    return kinship + OTHER_SCRIPT * (first.maximize().script != second.maximize().script)


@cache
def _lineage(language: str) -> tuple[str, ...]:
    """Glottolog's ids from the family down to ``language``; empty where it has no family."""
    for code in (language, _PREDOMINANT.get(language)):
        try:
            languoid = _database().get(code) if code else None
        except KeyError:
            continue
        line = [] if languoid is None else [languoid, *(languoid.family_tree or ())]
        if len(line) > 1:
            related = line[-1].name not in _NO_FAMILIES
            return tuple(str(one.id) for one in reversed(line)) if related else ()
    return ()


@cache
def _database() -> "Database":
    # Loaded on demand: it takes seconds and 400 MB.
    from qq import Database

    return Database.load()
