"""Section ``language``."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.config.section import Section


class Fallback(StrEnum):
    """What to do with a record whose language is uncertain or has no adapter."""

    QUARANTINE = "quarantine"
    DEFAULT = "default"
    RELATED = "related"
    NONE = "none"


Score = Annotated[float, Field(ge=0, le=1)]


def _pairs(value: object) -> object:
    """A mapping as sorted pairs, which are hashable; errors name the key, not a position."""
    if not isinstance(value, dict):
        return value
    for key, score in value.items():
        if not isinstance(key, str):
            raise ValueError(f"a key is {key!r}; expected an X-MOD language, such as ms_MY")
        if not _is_score(score):
            raise ValueError(f"{key} is {score!r}; expected a score from 0 to 1")
    return tuple(sorted(value.items()))


def _is_score(value: object) -> bool:
    """Whether ``value`` is from 0 to 1; YAML makes a string of ``1e-2``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        return 0 <= float(value) <= 1
    except (ValueError, OverflowError):
        return False


ScoreByLanguage = Annotated[
    tuple[tuple[str, Score], ...], BeforeValidator(_pairs, json_schema_input_type=dict[str, Score])
]


class LanguageSettings(Section):
    """How to find each record's language and adapter."""

    RENAMED: ClassVar = {"majority": "unit_prior", "default": "fallback_language"}

    detector: str = "cascade"
    """Detector for records without a language tag; docs/languages.md lists all detectors."""
    detector_model: str | None = None
    """Path of the model for ``fasttext``, on every machine."""
    candidates: Literal["all"] | tuple[str, ...] = "all"
    """X-MOD languages to choose from; ``all``: those of the checkpoint."""
    expected: tuple[str, ...] = ()
    """X-MOD languages that are likely; any other needs 20 times the evidence."""
    unit_prior: bool = False
    """Use the languages of a unit's confident records as a prior for its doubtful ones."""
    per_window: bool = False
    """Detect the language of each window, and use its adapter."""
    min_score: Score = 0.5
    """Minimum score of a detected language; below it, the language is uncertain."""
    min_scores: ScoreByLanguage = ()
    """Minimum scores of single languages, such as ``{ms_MY: 0.7}``."""
    fallback: Fallback = Fallback.QUARANTINE
    """What to do with a record whose language is uncertain or has no adapter."""
    fallback_language: str | None = None
    """X-MOD language for ``fallback: default``, such as ``en_XX``; null: the checkpoint's own
    ``default_language``."""

    def least_score(self, language: str) -> float:
        """The minimum score of the detected ``language``."""
        return dict(self.min_scores).get(language, self.min_score)

    @field_validator("candidates", "expected")
    @classmethod
    def _once_each(
        cls, codes: Literal["all"] | tuple[str, ...]
    ) -> Literal["all"] | tuple[str, ...]:
        doubled = sorted({code for code in codes if codes != "all" and codes.count(code) > 1})
        if doubled:
            raise ValueError(f"{', '.join(doubled)} is there twice; expected each language once")
        return codes

    @model_validator(mode="after")
    def _some_candidates(self) -> "LanguageSettings":
        if not self.candidates:
            raise ValueError("language.candidates is empty; expected 'all' or some X-MOD languages")
        return self
