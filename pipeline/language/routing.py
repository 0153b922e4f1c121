"""A record's route: the adapter that its tag or detection leads to, or why there is none."""

from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.config import Fallback, LanguageSettings
from pipeline.contract.failure import Failure
from pipeline.language.detection import Detection
from pipeline.language.language_distance import RELATED_DISTANCE, nearest
from pipeline.language.scripts import chinese_script
from pipeline.language.tags import UNDETERMINED, bcp47, resolve


class Source(StrEnum):
    """How a record's adapter was chosen; the last three are fallbacks, ``none`` is no adapter."""

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
    """A record with its BCP 47 ``language`` and its adapter.

    ``score`` is None where the language came from a column or none was detected;
    ``xmod_language`` is None where the record goes without an adapter; ``distance`` is that
    between the language and its related adapter.
    """

    language: str
    score: float | None
    source: Source
    xmod_language: str | None
    distance: float | None = None


@dataclass(frozen=True)
class Unrouted:
    """A record without an adapter; ``message`` holds nothing of its text."""

    trouble: Trouble
    message: str
    language: str = UNDETERMINED
    score: float | None = None

    def failure(self) -> Failure:
        """The record's ``_error``."""
        return Failure("identify", self.trouble, self.message)


def from_tag(tag: str, text: str, candidates: tuple[str, ...]) -> Routed | Unrouted:
    """The route of the language column's ``tag``; ``text`` gives the script of a bare ``zh``."""
    resolved = resolve(tag, candidates)
    if resolved.bcp47 == "zh" and (script := chinese_script(text)):
        resolved = resolve(f"zh-{script}", candidates)
    if resolved.xmod_language is not None:
        return Routed(resolved.bcp47, None, Source.COLUMN, resolved.xmod_language)
    unknown = resolved.bcp47 == UNDETERMINED
    return Unrouted(
        Trouble.UNKNOWN_LANGUAGE_TAG if unknown else Trouble.LANGUAGE_WITHOUT_ADAPTER,
        f"The language column's tag: {resolved.reason}. Expected {_shown(candidates)}. Correct the "
        f"tag, or set language.fallback to default{'' if unknown else ', related'} or none.",
        resolved.bcp47,
    )


def from_detection(
    detection: Detection, text: str, settings: LanguageSettings, candidates: tuple[str, ...]
) -> Routed | Unrouted:
    """The route of what the detector found in ``text``."""
    code, outside = detection.language, detection.outside
    least = settings.least_score(code or "")
    if code is not None and detection.score >= least:
        tag = with_script(bcp47(code, candidates), text)
        return Routed(tag, detection.score, Source.DETECTED, code)
    if outside is not None and detection.outside_score >= settings.min_score:
        return _without_adapter(outside, detection.outside_score, candidates)
    if code is None and outside is None:
        return Unrouted(
            Trouble.NO_LANGUAGE,
            "The text is empty, has no letters, or is in no language that the detector knows; "
            "expected text in a language. Set language.fallback to default or none, or name its "
            "language in input.language_column.",
        )
    score = detection.score if code else detection.outside_score
    return Unrouted(
        Trouble.LANGUAGE_UNCERTAIN,
        f"The detector's best guess is {code or outside} with score {score:.2f}; expected "
        f"{least:g} or more (language.min_score, min_scores). Lower it, list the languages that "
        "occur in language.candidates or language.expected, or name the record's language in "
        "input.language_column.",
        bcp47(code, candidates) if code else str(outside),
        score,
    )


def adapter_of(
    tag: str, record: Routed, settings: LanguageSettings, candidates: tuple[str, ...]
) -> str | None:
    """The adapter of a segment in the language ``tag``, which no adapter serves.

    By ``language.fallback``; where that is ``quarantine``, the adapter of the ``record``.
    """
    outcome = fall_back(_without_adapter(tag, 1.0, candidates), settings, candidates)
    return outcome.xmod_language if isinstance(outcome, Routed) else record.xmod_language


def fall_back(
    outcome: Unrouted, settings: LanguageSettings, candidates: tuple[str, ...]
) -> Routed | Unrouted:
    """``outcome`` by ``language.fallback``."""
    language, score = outcome.language, outcome.score
    match settings.fallback:
        case Fallback.DEFAULT if settings.fallback_language is not None:
            return Routed(language, score, Source.DEFAULT, settings.fallback_language)
        case Fallback.NONE:
            return Routed(language, score, Source.NONE, None)
        case Fallback.RELATED if outcome.trouble is Trouble.LANGUAGE_WITHOUT_ADAPTER:
            if found := nearest(language, candidates):
                return Routed(language, score, Source.RELATED, *found)
            reason = f"is within distance {RELATED_DISTANCE} in family and script."
            return replace(
                outcome, message=f"{outcome.message} No language with an adapter {reason}"
            )
        case _:
            return outcome


def with_script(tag: str, text: str) -> str:
    """``tag``; of Chinese, with the script of ``text``, as zh_CN may be the only adapter."""
    script = chinese_script(text) if tag.startswith("zh-") else None
    return f"zh-{script}" if script else tag


def _without_adapter(tag: str, score: float, candidates: tuple[str, ...]) -> Unrouted:
    return Unrouted(
        Trouble.LANGUAGE_WITHOUT_ADAPTER,
        f"The detector finds {tag!r} (score {score:.2f}), which has no adapter. Expected "
        f"{_shown(candidates)}. Set language.fallback to default, related or none.",
        tag,
        score,
    )


def _shown(candidates: tuple[str, ...]) -> str:
    shown = ", ".join(candidates[:8])
    return f"one of {shown}" + (f" and {len(candidates) - 8} more" if len(candidates) > 8 else "")
