"""Names of languages, in any language → tags: ``German``, ``Deutsch``, ``Schweizerdeutsch``."""

from functools import cache

import marisa_trie
import regex
from langcodes import Language
from language_data.names import load_trie, normalize_name
from language_data.util import data_filename

_QUALIFIED = regex.compile(r"(?P<name>[^(,]+?)\s*[(,]\s*(?P<qualifier>[^)]+?)\s*\)?")
"""``Serbian (Latin)``, ``English, United States``."""
_NAMES = {
    **dict.fromkeys(("alemannisch", "schwiizerdütsch", "schwyzerdütsch"), "gsw"),
    **{"hochdeutsch": "de", "basa jawa": "jv", "basa sunda": "su", "afaan oromoo": "om"},
}
"""Names that languages call themselves and CLDR does not list."""
_QUALIFIERS = {"simplified": "Hans", "traditional": "Hant", "us": "US", "usa": "US", "uk": "GB"}
"""Short forms that people write and CLDR does not list."""


def tag_of_name(spelling: str) -> str | None:
    """The tag of a language's name in CLDR or IANA; None for any other string.

    A name is read as English if it can be, else as one of any other language. A script or region
    in brackets or after a comma becomes part of the tag; if it is unknown, so is the whole name.
    """
    if not spelling.isprintable():
        return None  # langcodes' tables raise for a NUL
    if "," not in spelling and (found := _find(spelling)):
        return found
    if whole := _QUALIFIED.fullmatch(spelling):
        base, part = _find(whole["name"]), _qualifier(whole["qualifier"])
        return f"{base}-{part}" if base and part else None
    return None


def _find(name: str) -> str | None:
    if name.isascii() and len(name) < 4:
        return None  # two and three letters are codes
    found = _named("language", name)
    return str(found.to_tag()) if found else _NAMES.get(normalize_name(name))


def _qualifier(name: str) -> str | None:
    if short := _QUALIFIERS.get(name.lower()):
        return short
    found = _named("script", name) or _named("territory", name)
    return str(found.script or found.territory) if found else None


def _named(kind: str, name: str) -> Language | None:
    """What has exactly this name; langcodes would find "German" in "German and French"."""
    for language in ("en", "und"):
        if normalize_name(name) in _names(kind, language):
            return Language.find_name(kind, name, language)
    return None


@cache
def _names(kind: str, language: str) -> marisa_trie.BytesTrie:
    """All names in ``language``; ``und`` is any."""
    names: marisa_trie.BytesTrie = load_trie(
        data_filename(f"trie/{language}/name_to_{kind}.marisa")
    )
    return names
