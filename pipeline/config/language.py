"""How a record's language is found, and what happens where it is not."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.config.section import Section


class Fallback(StrEnum):
    """What happens to a record whose language has no adapter or is not sure enough."""

    QUARANTINE = "quarantine"
    DEFAULT = "default"
    RELATED = "related"
    NONE = "none"


Score = Annotated[float, Field(ge=0, le=1)]


def _pairs(value: object) -> object:
    """A mapping as sorted pairs: settings are hashed. Its errors name the key, not a position."""
    if not isinstance(value, dict):
        return value
    for key, score in value.items():
        if not isinstance(key, str):
            raise ValueError(f"a key is {key!r}; expected an X-MOD language, such as ms_MY")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise ValueError(f"{key} is {score!r}; expected a score from 0 to 1")
    return tuple(sorted(value.items()))


ScoreByLanguage = Annotated[
    tuple[tuple[str, Score], ...], BeforeValidator(_pairs, json_schema_input_type=dict[str, Score])
]
"""A mapping in YAML, such as ``{ms_MY: 0.7}``."""


class LanguageSettings(Section):
    """How a record's language is found, and what happens where it is not."""

    RENAMED: ClassVar = {"majority": "unit_prior", "default": "fallback_language"}

    detector: str = "cascade"
    """Asked where no column says the language; docs/languages.md has the others."""
    detector_model: str | None = None
    """For ``fasttext``: the path of a model on every machine."""
    candidates: Literal["all"] | tuple[str, ...] = "all"
    """X-MOD languages that records may go to; all: those of the checkpoints."""
    expected: tuple[str, ...] = ()
    """X-MOD languages; any other needs twenty times the evidence."""
    unit_prior: bool = False
    """Use the languages of a unit's confident records as a prior for its doubtful ones."""
    per_window: bool = False
    """Each window of a mixed text goes through its own adapter."""
    min_score: Score = 0.5
    """Below it a detected language counts as unknown."""
    min_scores: ScoreByLanguage = ()
    """Thresholds of single languages, such as ``{ms_MY: 0.7}``."""
    fallback: Fallback = Fallback.QUARANTINE
    """What a record gets that has no adapter or is in no known language."""
    fallback_language: str | None = None
    """X-MOD language that ``fallback: default`` uses, such as ``en_XX``."""

    def least_score(self, language: str) -> float:
        """What a detected ``language`` must score at least."""
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

    @model_validator(mode="after")
    def _default_goes_with_fallback(self) -> "LanguageSettings":
        if self.fallback is Fallback.DEFAULT and self.fallback_language is None:
            raise ValueError(
                "language.fallback is 'default' and language.fallback_language is not set; "
                "name an X-MOD language of the checkpoint, such as en_XX"
            )
        return self
