"""What is annotated, and with which checkpoints."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.config.section import Section


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
    """A folder that every machine can see, or a hub name."""
    revision: str | None = None
    """A commit of that hub name, 40 digits."""
    sha256: str | None = None
    """The digest that ``--dry-run`` prints; another one is refused."""


class NerSettings(Section):
    """Named entities from a token-classification checkpoint."""

    type: Literal["ner"]
    """Named entities."""
    model: ModelSettings
    """The checkpoint."""
    aggregation: Aggregation = Aggregation.SIMPLE
    """How tokens make entities."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    """Entities below it are left out."""


class ClassificationSettings(Section):
    """One label a record from a sequence-classification checkpoint."""

    type: Literal["classification"]
    """One label a record."""
    name: Name
    """What its columns begin with."""
    model: ModelSettings
    """The checkpoint."""
    probs: bool = False
    """Whether all probabilities are written."""


class EmbeddingsSettings(Section):
    """One vector a record from the encoder of any X-MOD checkpoint."""

    type: Literal["embeddings"]
    """One vector a record."""
    model: ModelSettings
    """The checkpoint."""
    pooling: Pooling = Pooling.MEAN
    """How token vectors make one."""
    normalize: bool = True
    """Whether vectors have length one."""
    dtype: Literal["float32", "float16"] = "float32"
    """Of the vectors that are written."""


class TokenVectorsSettings(Section):
    """One vector a token from the encoder of any X-MOD checkpoint."""

    type: Literal["token_vectors"]
    """One vector a token."""
    model: ModelSettings
    """The checkpoint."""
    dtype: Literal["float32", "float16"] = "float16"
    """Of the vectors that are written."""


class QuestionAnsweringSettings(Section):
    """Stretches of the text that answer a question, from an extractive checkpoint.

    Without ``question``, each record's is in ``input.question_column``.
    """

    type: Literal["question_answering"]
    """Answers that stand in the text."""
    name: Name
    """What its columns begin with."""
    model: ModelSettings
    """The checkpoint."""
    question: str | None = Field(default=None, min_length=1)
    """Asked of every record; null: each has its own."""
    n_best: int = Field(default=1, ge=1, le=100)
    """Answers a record, at most."""
    max_answer_tokens: int = Field(default=15, ge=1)
    """Of an answer."""
    no_answer: bool = False
    """Whether a record may have none, as in SQuAD 2."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    """Answers below it are left out."""


class MultipleChoiceSettings(Section):
    """The best of several choices from a multiple-choice checkpoint.

    Without ``choices``, each record's are in ``input.choices_column``.
    """

    type: Literal["multiple_choice"]
    """The best of several choices."""
    name: Name
    """What its columns begin with."""
    model: ModelSettings
    """The checkpoint."""
    choices: tuple[str, ...] = ()
    """Of every record; none: each has its own."""
    probs: bool = False
    """Whether all probabilities are written."""

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
    """How likely a text is, by a masked language model."""
    model: ModelSettings
    """The checkpoint."""
    passes: int = Field(default=8, ge=2)
    """Forwards of a window; each hides another part of its tokens."""


class FillMaskSettings(Section):
    """What may stand where a text has the tokenizer's mask."""

    type: Literal["fill_mask"]
    """What may stand where a text has the mask."""
    model: ModelSettings
    """The checkpoint."""
    top_k: int = Field(default=5, ge=1, le=100)
    """Tokens for each mask."""


class CausalLmSettings(Section):
    """How likely a text is to a language model that reads from left to right."""

    type: Literal["causal_lm"]
    """How likely a text is, read from left to right."""
    model: ModelSettings
    """The checkpoint."""


class GenerationSettings(Section):
    """How a text goes on, by a language model that reads from left to right."""

    type: Literal["generation"]
    """How a text goes on."""
    model: ModelSettings
    """The checkpoint."""
    max_new_tokens: int = Field(default=32, ge=1)
    """That are added, at most."""


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
