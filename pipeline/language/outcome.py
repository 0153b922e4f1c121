"""What becomes of one record: the adapter it goes through, or why it has none.

Enters: a tag of the language column, or a ``Detection``. Leaves: ``Routed`` or ``Unrouted``, and
what the fallback policy makes of the second. What holds: no message holds a record's text; each
names what was seen, what was expected and the config key to mend it with.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.config import Fallback, LanguageSettings
from pipeline.contract.failure import Failure
from pipeline.language.detection import Detection
from pipeline.language.evidence import chinese_script
from pipeline.language.relatives import RELATED_DISTANCE, nearest
from pipeline.language.tags import UNDETERMINED, bcp47, resolve


class Source(StrEnum):
    """How a record came to its adapter; the last three are fallbacks, ``none`` is to have none."""

    COLUMN = "column"
    DETECTED = "detected"
    RELATED = "related"
    DEFAULT = "default"
    NONE = "none"


class Trouble(StrEnum):
    """Why a record has no adapter: the ``error_type`` in quarantine."""

    LANGUAGE_WITHOUT_ADAPTER = "LanguageWithoutAdapter"
    UNKNOWN_LANGUAGE_TAG = "UnknownLanguageTag"
    LANGUAGE_UNCERTAIN = "LanguageUncertain"
    NO_LANGUAGE = "NoLanguage"


@dataclass(frozen=True)
class Routed:
    """A record with an adapter, ``xmod_language``; ``language`` is the BCP 47 tag that was seen.

    The score is None where the language came from a column, or nothing was heard; ``distance`` is
    that of a relative; ``xmod_language`` is None where the record goes without an adapter.
    """

    language: str
    score: float | None
    source: Source
    xmod_language: str | None
    distance: float | None = None


@dataclass(frozen=True)
class Unrouted:
    """A record without an adapter, and what was seen of its language."""

    trouble: Trouble
    message: str
    language: str = UNDETERMINED
    score: float | None = None

    def failure(self) -> Failure:
        """The record's ``_error``."""
        return Failure("identify", self.trouble, self.message)


def from_tag(tag: str, text: str, candidates: tuple[str, ...]) -> Routed | Unrouted:
    """What the language column's ``tag`` leads to; of a bare ``zh`` the text tells the script."""
    resolved = resolve(tag, candidates)
    if resolved.bcp47 == "zh" and (script := chinese_script(text)):
        resolved = resolve(f"zh-{script}", candidates)
    if resolved.xmod_language is not None:
        return Routed(resolved.bcp47, None, Source.COLUMN, resolved.xmod_language)
    unknown = resolved.bcp47 == UNDETERMINED
    return Unrouted(
        Trouble.UNKNOWN_LANGUAGE_TAG if unknown else Trouble.LANGUAGE_WITHOUT_ADAPTER,
        f"The language column's tag: {resolved.reason}. Expected {_expected(candidates)}. "
        f"Mend the tag, or set {_remedy(unknown)}.",
        resolved.bcp47,
    )


def from_detection(
    heard: Detection, text: str, settings: LanguageSettings, candidates: tuple[str, ...]
) -> Routed | Unrouted:
    """What the detector's answer for ``text`` leads to."""
    least = settings.least_score(heard.language or "")
    if heard.language is not None and heard.score >= least:
        tag = as_written(bcp47(heard.language, candidates), text)
        return Routed(tag, heard.score, Source.DETECTED, heard.language)
    if heard.outside is not None and heard.outside_score >= settings.min_score:
        return _without_adapter(heard.outside, heard.outside_score, candidates)
    if heard.language is None and heard.outside is None:
        return Unrouted(
            Trouble.NO_LANGUAGE,
            "The text is empty, has no letters, or the detector knows nothing in it; expected text "
            "in a language. Set language.fallback to default or none, or name its language in "
            "input.language_column.",
        )
    return _uncertain(heard, least, candidates)


def adapter_of(
    tag: str, record: Routed, settings: LanguageSettings, candidates: tuple[str, ...]
) -> str | None:
    """The adapter of a stretch in the language ``tag``, which has none of its own.

    By ``language.fallback`` like a record; where that says quarantine, the ``record``'s.
    """
    outcome = fall_back(_without_adapter(tag, 1.0, candidates), settings, candidates)
    return outcome.xmod_language if isinstance(outcome, Routed) else record.xmod_language


def fall_back(
    outcome: Unrouted, settings: LanguageSettings, candidates: tuple[str, ...]
) -> Routed | Unrouted:
    """What ``language.fallback`` makes of a record without an adapter."""
    match settings.fallback:
        case Fallback.DEFAULT if settings.fallback_language is not None:
            return Routed(
                outcome.language, outcome.score, Source.DEFAULT, settings.fallback_language
            )
        case Fallback.NONE:
            return Routed(outcome.language, outcome.score, Source.NONE, None)
        case Fallback.RELATED if outcome.trouble is Trouble.LANGUAGE_WITHOUT_ADAPTER:
            return _neighbour(outcome, candidates)
        case _:
            return outcome


def as_written(tag: str, text: str) -> str:
    """``tag``, with the script of Chinese read from ``text``: zh_CN may be the only adapter."""
    script = chinese_script(text) if tag.startswith("zh-") else None
    return f"zh-{script}" if script else tag


def _neighbour(outcome: Unrouted, candidates: tuple[str, ...]) -> Routed | Unrouted:
    found = nearest(outcome.language, candidates)
    if found is not None:
        code, apart = found
        return Routed(outcome.language, outcome.score, Source.RELATED, code, apart)
    nothing = (
        " No language with an adapter is near enough in family and script "
        f"(distance {RELATED_DISTANCE} or less)."
    )
    return replace(outcome, message=outcome.message + nothing)


def _without_adapter(tag: str, score: float, candidates: tuple[str, ...]) -> Unrouted:
    return Unrouted(
        Trouble.LANGUAGE_WITHOUT_ADAPTER,
        f"The detector finds {tag!r} (score {score:.2f}), which has no adapter. Expected "
        f"{_expected(candidates)}. Set {_remedy(unknown=False)}.",
        tag,
        score,
    )


def _uncertain(heard: Detection, least: float, candidates: tuple[str, ...]) -> Unrouted:
    guess = heard.language or heard.outside
    score = heard.score if heard.language else heard.outside_score
    return Unrouted(
        Trouble.LANGUAGE_UNCERTAIN,
        f"The detector's best guess is {guess} with score {score:.2f}; expected "
        f"{least:g} or more (language.min_score, min_scores). Lower it, list the languages that "
        "occur in language.candidates or language.expected, or name the record's language in "
        "input.language_column.",
        bcp47(heard.language, candidates) if heard.language else str(heard.outside),
        score,
    )


def _expected(candidates: tuple[str, ...]) -> str:
    shown = ", ".join(candidates[:8])
    return f"one of {shown}" + (f" and {len(candidates) - 8} more" if len(candidates) > 8 else "")


def _remedy(unknown: bool) -> str:
    others = "default or none" if unknown else "default, related or none"
    return f"language.fallback to {others}"
