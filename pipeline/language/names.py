"""Spellings of language tags that BCP 47 does not know: names, fastText's labels, separators.

Enters: what a language column says, such as ``Chinese (Traditional)`` or ``__label__deu_Latn``.
Leaves: a tag in the syntax of BCP 47. What holds: names are the English ones of CLDR and IANA, as
langcodes' data hold them; a name that is not there is no tag, and nothing is guessed.
"""

from functools import cache

import marisa_trie
import regex
from langcodes import Language
from language_data.names import load_trie, normalize_name
from language_data.util import data_filename

_FASTTEXT = regex.compile(r"(?i)^__label__")
_SEPARATORS = regex.compile(r"[._]+")
"""No blank and no slash: ``no data`` and ``en/de`` would read as Norwegian and as English."""
_QUALIFIED = regex.compile(r"(?P<name>[^(,]+?)\s*[(,]\s*(?P<qualifier>[^)]+?)\s*\)?")
"""``Serbian (Latin)``, ``English, United States``."""

_QUALIFIERS = {"simplified": "Hans", "traditional": "Hant", "us": "US", "usa": "US", "uk": "GB"}
"""Short forms that people write and CLDR does not list."""


def tag_like(spelling: str) -> str:
    """``spelling`` with fastText's prefix taken off and hyphens between its parts."""
    tag: str = _SEPARATORS.sub("-", _FASTTEXT.sub("", spelling).strip())
    return tag


def named(spelling: str) -> str | None:
    """The tag of the language that ``spelling`` names; None where it names none.

    A script or region in brackets or after a comma becomes part of the tag; one that is not
    understood makes the whole name unknown, as a guess would drop half of what was said.
    """
    if not spelling.isprintable():
        return None  # the tables' keys end at a NUL, and raise where one is inside
    if whole := _QUALIFIED.fullmatch(spelling):
        base, part = _find(whole["name"]), _qualifier(whole["qualifier"])
        return f"{base}-{part}" if base and part else None
    return _find(spelling)


def _find(name: str) -> str | None:
    # Two and three letters are codes; a code that is unknown is not a name either.
    # langcodes also finds the name that a longer one begins with: "German and French".
    if len(name) < 4 or normalize_name(name) not in _english_names():
        return None
    found: str = Language.find(name, "en").to_tag()
    return found


@cache
def _english_names() -> marisa_trie.BytesTrie:
    names: marisa_trie.BytesTrie = load_trie(data_filename("trie/en/name_to_language.marisa"))
    return names


def _qualifier(name: str) -> str | None:
    if short := _QUALIFIERS.get(name.lower()):
        return short
    for kind in ("script", "territory"):
        try:
            found = Language.find_name(kind, name, "en")
        except LookupError:
            continue
        return str(found.script or found.territory)
    return None
