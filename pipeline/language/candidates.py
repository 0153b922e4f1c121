"""The languages that records may be detected in.

Enters: the settings, and the checkpoint's languages. Leaves: X-MOD codes. What holds: every code
that the settings name is a language of the checkpoint.
"""

import difflib
from collections.abc import Iterator

from pipeline.config import LanguageSettings
from pipeline.errors import ConfigError
from pipeline.language.tags import resolve


def checked_candidates(settings: LanguageSettings, languages: tuple[str, ...]) -> tuple[str, ...]:
    """``language.candidates``; raises ConfigError where a key names a language without adapter.

    ``expected`` and ``min_scores`` are about candidates alone.
    """
    candidates = languages if settings.candidates == "all" else settings.candidates
    for position, code in enumerate(candidates):
        _require(code, languages, f"language.candidates.{position}")
    for key, code in _about(settings):
        _require(code, languages, key)
        if code not in candidates:
            raise ConfigError(
                f"{key} is {code!r}, which is not among language.candidates: "
                f"{', '.join(candidates)}. Add it there, or leave it out."
            )
    if settings.fallback_language is not None:
        _require(settings.fallback_language, languages, "language.fallback_language")
    return candidates


def _about(settings: LanguageSettings) -> Iterator[tuple[str, str]]:
    for position, code in enumerate(settings.expected):
        yield f"language.expected.{position}", code
    for code, _ in settings.min_scores:
        yield "a key of language.min_scores", code


def _require(code: str, languages: tuple[str, ...], key: str) -> None:
    if code in languages:
        return
    nearest = difflib.get_close_matches(code, languages, n=1)
    meant = resolve(code, languages).xmod_language or (nearest[0] if nearest else None)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise ConfigError(
        f"{key} is {code!r}, which is no language of the checkpoint; {hint}"
        f"Available: {', '.join(languages)}."
    )
