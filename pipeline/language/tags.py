"""Language tags: what a language column says → BCP 47 and an X-MOD language.

Enters: a tag in any usual spelling (X-MOD codes, BCP 47, ISO 639-1/2/3, ``deu_Latn``, fastText's
labels, English names, any case) and the X-MOD languages to choose from. Leaves:
``Resolved``. What holds: a tag matches by language first; script and region only choose between
adapters of one language; where that does not decide, the reason says so and no language is picked.
The region of an X-MOD code is part of its name: ``en_XX`` and ``ar_AR`` name no country.
"""

from dataclasses import dataclass
from functools import lru_cache

from langcodes import Language, standardize_tag, tag_distance
from langcodes.data_dicts import LIKELY_SUBTAGS, MACROLANGUAGES
from langcodes.tag_parser import LanguageTagError

from pipeline.language.names import named, tag_like

UNDETERMINED = "und"
"""BCP 47 for a language that nobody knows."""

LONGEST_TAG = 35
"""Characters; RFC 5646 (4.4.1) sizes buffers so. What is longer is no tag, and may be a text."""

_ALIASES = {"pbt": "ps", "pbu": "ps", "pst": "ps"}
"""Parts of a macrolanguage in its usual script, which CLDR has no data of."""

_NO_SINGLE_LANGUAGE = frozenset({None, UNDETERMINED, "mul", "mis", "zxx"})
_NO_SINGLE_SCRIPT = frozenset({"Hani", "Zyyy", "Zzzz"})
_WRITTEN_FORMS = frozenset({"nb", "nn"})
"""Two-letter codes that are forms of their macrolanguage; others (``id`` in ``ms``) are not."""


@dataclass(frozen=True)
class Resolved:
    """A tag understood, or why it was not.

    ``bcp47`` is ``und`` where the tag names no language; ``reason`` says why ``xmod_language`` is
    None.
    """

    bcp47: str
    xmod_language: str | None
    reason: str = ""


def resolve(tag: str, languages: tuple[str, ...]) -> Resolved:
    """What ``tag`` means, and which of the X-MOD codes ``languages`` serves it."""
    stripped = tag.strip()
    if len(stripped) > LONGEST_TAG:
        return Resolved(UNDETERMINED, None, f"a value of {len(tag)} characters is no language tag")
    return _resolve(stripped, languages)


@lru_cache(maxsize=4096)
def bcp47(code: str, languages: tuple[str, ...]) -> str:
    """The plain tag of the X-MOD ``code``; ``und`` where the code is no language's.

    de_DE is ``de``, zh_CN ``zh-Hans``, pt_BR ``pt-BR`` where ``languages`` hold another Portuguese.
    """
    parsed = _parse(code)
    if parsed is None:
        return UNDETERMINED
    if parsed.language == "zh":
        return f"zh-{parsed.maximize().script}"
    rivals = [other for other in languages if other != code and _speaks(other) == parsed.language]
    return parsed.to_tag() if rivals else str(parsed.language)


@lru_cache(maxsize=4096)
def _resolve(tag: str, languages: tuple[str, ...]) -> Resolved:
    exact = {code.lower().replace("_", "-"): code for code in reversed(languages)}
    code = exact.get(tag.lower().replace("_", "-"))
    if code is not None:
        return Resolved(bcp47(code, languages), code)
    parsed = _parse(tag)
    if parsed is None:
        return Resolved(UNDETERMINED, None, f"{tag!r} names no language of BCP 47 or ISO 639")
    return _choose(parsed, [code for code in languages if _serves(code, parsed)])


def _choose(wanted: Language, serving: list[str]) -> Resolved:
    tag = wanted.to_tag()
    if not serving:
        return Resolved(tag, None, f"{tag!r} has no adapter")
    distances = {code: tag_distance(tag, str(_parse(code))) for code in serving}
    nearest = [code for code in serving if distances[code] == min(distances.values())]
    if len(nearest) > 1:
        return Resolved(tag, None, f"{tag!r} fits {' and '.join(nearest)} alike")
    return Resolved(tag, nearest[0])


def _serves(code: str, wanted: Language) -> bool:
    """Whether the adapter is for the language, or for the ISO 639-3 macrolanguage it is part of.

    Parts count where CLDR knows them to be written alike: Sorani (``ckb``, Arabic script) is not
    sent through the adapter for Kurdish in Latin script.
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


def _speaks(code: str) -> str | None:
    parsed = _parse(code)
    return parsed.language if parsed else None


@lru_cache(maxsize=4096)
def _parse(tag: str) -> Language | None:
    """Language, script and region of ``tag`` in canonical form; None where it has no language."""
    read = _read(tag_like(tag))
    if read is not None:
        return read
    name = named(tag)
    return _read(name) if name else None


def _read(tag: str) -> Language | None:
    try:
        parsed = Language.get(standardize_tag(_ALIASES.get(tag.lower(), tag), macro=True))
    except LanguageTagError:
        return None
    if parsed.language in _NO_SINGLE_LANGUAGE or not Language.make(parsed.language).is_valid():
        return None
    script = None if parsed.script in _NO_SINGLE_SCRIPT else parsed.script
    region = parsed.territory if _is_country(parsed.territory) else None
    return Language.make(parsed.language, script=script, territory=region)


def _is_country(region: str | None) -> bool:
    """Not so for the XX of en_XX, nor the EO of eo_EO."""
    return region not in (None, "XX") and Language.make(territory=region).is_valid()
