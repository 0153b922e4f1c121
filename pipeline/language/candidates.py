"""The languages that records may be detected in, checked against the checkpoint's."""

import difflib

from pipeline.config import LanguageSettings
from pipeline.errors import ConfigError
from pipeline.language.tags import resolve


def checked_candidates(settings: LanguageSettings, languages: tuple[str, ...]) -> tuple[str, ...]:
    """``language.candidates`` as X-MOD codes.

    Raises ConfigError where a key names a language that the checkpoint lacks, or ``expected`` or
    ``min_scores`` names one that is not a candidate.
    """
    candidates = languages if settings.candidates == "all" else settings.candidates
    for position, code in enumerate(candidates):
        _require(code, languages, f"language.candidates.{position}")
    expected = [(f"language.expected.{at}", code) for at, code in enumerate(settings.expected)]
    thresholds = [("a key of language.min_scores", code) for code, _ in settings.min_scores]
    for key, code in [*expected, *thresholds]:
        _require(code, languages, key)
        if code not in candidates:
            raise ConfigError(
                f"{key} is {code!r}, which is not among language.candidates: "
                f"{', '.join(candidates)}. Add it there, or leave it out."
            )
    if settings.fallback_language is not None:
        _require(settings.fallback_language, languages, "language.fallback_language")
    return candidates


def _require(code: str, languages: tuple[str, ...], key: str) -> None:
    if code in languages:
        return
    similar = difflib.get_close_matches(code, languages, n=1)
    suggestion = resolve(code, languages).xmod_language or next(iter(similar), None)
    hint = f"did you mean {suggestion!r}? " if suggestion else ""
    raise ConfigError(
        f"{key} is {code!r}, which is no language of the checkpoint; {hint}"
        f"Available: {', '.join(languages)}."
    )
