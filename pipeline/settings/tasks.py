"""What is annotated, and with which checkpoints."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.config import Section


class Aggregation(StrEnum):
    """How token predictions make entities, as in transformers' token-classification pipeline."""

    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


class Pooling(StrEnum):
    """How token vectors make one.

    ``mean`` over the attention mask, ``cls`` the first token's, ``pooler`` transformers' pooler on
    top of that, in checkpoints that have trained one.
    """

    MEAN = "mean"
    CLS = "cls"
    POOLER = "pooler"


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""What the columns of a task begin with, where a job may have several of its kind."""


class ModelSettings(Section):
    """A checkpoint: a local folder, or a hub name with a pinned revision.

    ``sha256``, where given, must be the weights' digest as the job computes and prints it.
    """

    path: str
    revision: str | None = None
    sha256: str | None = None


class NerSettings(Section):
    """Named entities from a token-classification checkpoint."""

    type: Literal["ner"]
    model: ModelSettings
    aggregation: Aggregation = Aggregation.SIMPLE
    min_score: float = Field(default=0.0, ge=0, le=1)


class ClassificationSettings(Section):
    """One label a record from a sequence-classification checkpoint."""

    type: Literal["classification"]
    name: Name
    model: ModelSettings
    probs: bool = False


class EmbeddingsSettings(Section):
    """One vector a record from the encoder of any X-MOD checkpoint."""

    type: Literal["embeddings"]
    model: ModelSettings
    pooling: Pooling = Pooling.MEAN
    normalize: bool = True
    dtype: Literal["float32", "float16"] = "float32"


class TokenVectorsSettings(Section):
    """One vector a token from the encoder of any X-MOD checkpoint."""

    type: Literal["token_vectors"]
    model: ModelSettings
    dtype: Literal["float32", "float16"] = "float16"


class QuestionAnsweringSettings(Section):
    """Stretches of the text that answer a question, from an extractive checkpoint.

    Without ``question``, each record's is in ``input.question_column``.
    """

    type: Literal["question_answering"]
    name: Name
    model: ModelSettings
    question: str | None = Field(default=None, min_length=1)
    n_best: int = Field(default=1, ge=1, le=100)
    max_answer_tokens: int = Field(default=15, ge=1)
    no_answer: bool = False
    min_score: float = Field(default=0.0, ge=0, le=1)


class MultipleChoiceSettings(Section):
    """The best of several choices from a multiple-choice checkpoint.

    Without ``choices``, each record's are in ``input.choices_column``.
    """

    type: Literal["multiple_choice"]
    name: Name
    model: ModelSettings
    choices: tuple[str, ...] = ()
    probs: bool = False

    @field_validator("choices")
    @classmethod
    def _none_or_some(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        if len(choices) == 1:
            raise ValueError(f"there is one choice, {choices[0]!r}; expected two or more")
        return choices


class MaskedLmSettings(Section):
    """How likely a text is to a masked language model.

    Each token is hidden in one of ``passes`` forwards of its window.
    """

    type: Literal["masked_lm"]
    model: ModelSettings
    passes: int = Field(default=8, ge=2)


class FillMaskSettings(Section):
    """What may stand where a text has the tokenizer's mask."""

    type: Literal["fill_mask"]
    model: ModelSettings
    top_k: int = Field(default=5, ge=1, le=100)


class CausalLmSettings(Section):
    """How likely a text is to a language model that reads from left to right."""

    type: Literal["causal_lm"]
    model: ModelSettings


class GenerationSettings(Section):
    """How a text goes on, by a language model that reads from left to right."""

    type: Literal["generation"]
    model: ModelSettings
    max_new_tokens: int = Field(default=32, ge=1)


TaskSettings = Annotated[
    NerSettings
    | ClassificationSettings
    | EmbeddingsSettings
    | TokenVectorsSettings
    | QuestionAnsweringSettings
    | MultipleChoiceSettings
    | MaskedLmSettings
    | FillMaskSettings
    | CausalLmSettings
    | GenerationSettings,
    Field(discriminator="type"),
]
