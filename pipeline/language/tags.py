"""Language tags in any usual spelling → BCP 47 and an X-MOD language.

A tag matches by language; script and region only choose between adapters of one language, and the
region of an X-MOD code is part of its name: ``en_XX`` and ``ar_AR`` name no country.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import regex
from langcodes import Language, standardize_tag, tag_distance
from langcodes.data_dicts import LIKELY_SUBTAGS, MACROLANGUAGES
from langcodes.tag_parser import LanguageTagError

from pipeline.language.names import tag_of_name

UNDETERMINED = "und"
"""BCP 47's tag of an unknown language."""

LONGEST_TAG = 35
"""Maximum characters of a tag (RFC 5646, 4.4.1); longer values may be texts and are not shown."""

_ALIASES = {"pbt": "ps", "pbu": "ps", "pst": "ps"}
"""Kinds of Pashto that CLDR has no data for."""

_NO_SINGLE_LANGUAGE = frozenset({None, UNDETERMINED, "mul", "mis", "zxx"})
_NO_SINGLE_SCRIPT = frozenset({"Hani", "Zyyy", "Zzzz"})
_WRITTEN_FORMS = frozenset({"nb", "nn"})
"""Two-letter codes that are forms of their macrolanguage; others (``id`` in ``ms``) are not."""

_FASTTEXT = regex.compile(r"(?i)^__label__")
_SEPARATORS = regex.compile(r"[._]+")
"""Neither blank nor slash: ``no data`` and ``en/de`` would read as Norwegian and as English."""
_ALEMANNIC = "gsw"


@dataclass(frozen=True)
class Resolved:
    """A tag's language, ``und`` if none; ``reason`` says why there is no X-MOD language."""

    bcp47: str
    xmod_language: str | None
    reason: str = ""


def resolve(tag: str, languages: tuple[str, ...]) -> Resolved:
    """The language that ``tag`` names, and which of the X-MOD codes ``languages`` serves it.

    Tags are X-MOD codes, BCP 47, ISO 639-1/2/3, ``deu_Latn``, fastText's labels and names.
    """
    stripped = tag.strip()
    if len(stripped) > LONGEST_TAG:
        return Resolved(UNDETERMINED, None, f"a value of {len(tag)} characters is no language tag")
    return _resolve(stripped, languages)


@lru_cache(maxsize=4096)
def bcp47(code: str, languages: tuple[str, ...]) -> str:
    """The shortest tag of the X-MOD ``code``; ``und`` where it is of no language.

    de_DE is ``de``, zh_CN ``zh-Hans``, pt_BR ``pt-BR`` where ``languages`` hold another Portuguese.
    """
    parsed = _parse(code)
    if parsed is None:
        return UNDETERMINED
    if parsed.language == "zh":
        return f"zh-{parsed.maximize().script}"
    others = (_parse(other) for other in languages if other != code)
    shared = any(other and other.language == parsed.language for other in others)
    return parsed.to_tag() if shared else str(parsed.language)


def hyphenated(spelling: str) -> str:
    """``spelling`` without fastText's prefix and with hyphens between its parts."""
    tag: str = _SEPARATORS.sub("-", _FASTTEXT.sub("", spelling).strip())
    return tag


@lru_cache(maxsize=4096)
def _resolve(tag: str, languages: tuple[str, ...]) -> Resolved:
    exact = {code.lower().replace("_", "-"): code for code in reversed(languages)}
    code = exact.get(tag.lower().replace("_", "-"))
    if code is not None:
        return Resolved(bcp47(code, languages), code)
    parsed = _parse(tag)
    if parsed is None:
        return Resolved(UNDETERMINED, None, f"{tag!r} names no language of BCP 47 or ISO 639")
    found = _choose(parsed, [code for code in languages if _serves(code, parsed)])
    return _explained(found, tag, languages)


def _choose(wanted: Language, serving: list[str]) -> Resolved:
    tag = wanted.to_tag()
    if not serving:
        return Resolved(tag, None, f"{tag!r} has no adapter")
    distances = {code: tag_distance(tag, str(_parse(code))) for code in serving}
    nearest = [code for code in serving if distances[code] == min(distances.values())]
    if len(nearest) > 1:
        return Resolved(tag, None, f"{tag!r} fits {' and '.join(nearest)} alike")
    return Resolved(tag, nearest[0])


def _explained(found: Resolved, tag: str, languages: tuple[str, ...]) -> Resolved:
    """``found``; where ``als`` has no adapter, with the tag of Alemannic, Wikipedia's ``als``."""
    meant = resolve(_ALEMANNIC, languages).xmod_language if tag.lower() == "als" else None
    if found.xmod_language is not None or meant is None:
        return found
    return replace(
        found, reason=f"'als' is Tosk Albanian, which has no adapter; Alemannic is {_ALEMANNIC!r}"
    )


def _serves(code: str, wanted: Language) -> bool:
    """Whether the adapter is of the language, or of its macrolanguage (ISO 639-3) in its script.

    Sorani (``ckb``, Arabic script) does not go through the adapter for Kurdish in Latin script.
    """
    adapter = _parse(code)
    if adapter is None or wanted.language is None:
        return False
    if adapter.language == wanted.language:
        return True
    if len(wanted.language) == 2 and wanted.language not in _WRITTEN_FORMS:
        return False
    part = MACROLANGUAGES.get(wanted.language) == adapter.language
    return part and _usual_script(wanted) == _usual_script(adapter)


def _usual_script(tag: Language) -> str | None:
    known = tag.script or tag.language in LIKELY_SUBTAGS
    return tag.maximize().script if known else None


@lru_cache(maxsize=4096)
def _parse(tag: str) -> Language | None:
    """Language, script and region of ``tag`` in canonical form; None where it has no language."""
    if read := _read(hyphenated(tag)):
        return read
    named = tag_of_name(tag.replace("_", " "))
    return _read(named) if named else None


def _read(tag: str) -> Language | None:
    try:
        parsed = Language.get(standardize_tag(_ALIASES.get(tag.lower(), tag), macro=True))
    except LanguageTagError:
        return None
    if parsed.language in _NO_SINGLE_LANGUAGE or not Language.make(parsed.language).is_valid():
        return None
    script = None if parsed.script in _NO_SINGLE_SCRIPT else parsed.script
    region = parsed.territory
    if region == "XX" or not Language.make(territory=region).is_valid():  # en_XX, eo_EO
        region = None
    return Language.make(parsed.language, script=script, territory=region)
