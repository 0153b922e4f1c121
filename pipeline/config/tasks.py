"""Section ``tasks``: what to annotate, and with which checkpoints."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.config.section import Section


class Aggregation(StrEnum):
    """How tokens become entities, as in transformers' token-classification pipeline."""

    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


class Pooling(StrEnum):
    """How token vectors become one vector.

    ``mean`` over the attention mask, ``cls``: the first token's, ``pooler``: transformers' pooler
    on top of that, in checkpoints that have trained one.
    """

    MEAN = "mean"
    CLS = "cls"
    POOLER = "pooler"


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
VectorType = Literal["float32", "float16"]
Score = Annotated[float, Field(ge=0, le=1)]


class TokenizerSettings(Section):
    """A tokenizer that is not its checkpoint's own: a local folder, or one of the hub."""

    path: str | None = None
    """Path of a folder on every machine, or name of a Hugging Face repository; null: the
    tokenizer is in the checkpoint."""
    revision: str | None = None
    """Commit of the repository, 40 hexadecimal digits."""

    @model_validator(mode="after")
    def _revision_is_of_a_path(self) -> Self:
        if self.revision is not None and self.path is None:
            raise ValueError("revision is of path, which is missing")
        return self


class ModelSettings(Section):
    """A checkpoint: a local folder, or a Hugging Face repository with a pinned revision."""

    path: str
    """Path of a folder on every machine, or name of a Hugging Face repository."""
    revision: str | None = None
    """Commit of the repository, 40 hexadecimal digits."""
    tokenizer: TokenizerSettings = TokenizerSettings()
    """Tokenizer, where it is not the checkpoint's own."""
    sha256: str | None = None
    """Expected digest of checkpoint and tokenizer, as ``--dry-run`` prints it; any other is
    refused."""


class _Task(Section):
    type: str
    model: ModelSettings
    """Checkpoint of the task."""


class _NamedTask(_Task):
    name: Name
    """Prefix of the task's columns."""


class NerSettings(_Task):
    """Named entities, by a token-classification checkpoint."""

    type: Literal["ner"]
    """Kind of task."""
    aggregation: Aggregation = Aggregation.SIMPLE
    """How tokens become entities, as in transformers' pipeline."""
    min_score: Score = 0.0
    """Minimum score of an entity; others are left out."""


class ClassificationSettings(_NamedTask):
    """One label per record, by a sequence-classification checkpoint."""

    type: Literal["classification"]
    """Kind of task."""
    probs: bool = False
    """Write the probabilities of all labels."""


class EmbeddingsSettings(_Task):
    """One vector per record, by the encoder of any X-MOD checkpoint."""

    type: Literal["embeddings"]
    """Kind of task."""
    pooling: Pooling = Pooling.MEAN
    """How token vectors become one vector."""
    normalize: bool = True
    """Scale vectors to length 1."""
    dtype: VectorType = "float32"
    """Number format of the vectors in the output."""


class TokenVectorsSettings(_Task):
    """One vector per token, by the encoder of any X-MOD checkpoint."""

    type: Literal["token_vectors"]
    """Kind of task."""
    dtype: VectorType = "float16"
    """Number format of the vectors in the output."""


class QuestionAnsweringSettings(_NamedTask):
    """Spans of the text that answer a question, by an extractive checkpoint."""

    type: Literal["question_answering"]
    """Kind of task."""
    question: str | None = Field(default=None, min_length=1)
    """Question for all records; null: each record's own, in ``input.question_column``."""
    n_best: int = Field(default=1, ge=1, le=100)
    """Maximum number of answers per record."""
    max_answer_tokens: int = Field(default=15, ge=1)
    """Maximum number of tokens per answer."""
    no_answer: bool = False
    """Allow records without an answer, as in SQuAD 2."""
    min_score: Score = 0.0
    """Minimum score of an answer; others are left out."""


class MultipleChoiceSettings(_NamedTask):
    """The best of several choices, by a multiple-choice checkpoint."""

    type: Literal["multiple_choice"]
    """Kind of task."""
    choices: tuple[str, ...] = ()
    """Choices for all records; empty: each record's own, in ``input.choices_column``."""
    probs: bool = False
    """Write the probabilities of all choices."""

    @field_validator("choices")
    @classmethod
    def _none_or_some(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        if len(choices) == 1:
            raise ValueError(f"there is one choice, {choices[0]!r}; expected two or more")
        return choices


class MaskedLmSettings(_Task):
    """Pseudo-likelihood of each text, by a masked language model."""

    type: Literal["masked_lm"]
    """Kind of task."""
    passes: int = Field(default=8, ge=2)
    """Number of forward passes per window; each masks another part of its tokens."""


class FillMaskSettings(_Task):
    """Predictions for each mask token in a text, by a masked language model."""

    type: Literal["fill_mask"]
    """Kind of task."""
    top_k: int = Field(default=5, ge=1, le=100)
    """Number of predictions per mask."""


class CausalLmSettings(_Task):
    """Likelihood of each text, by a causal language model."""

    type: Literal["causal_lm"]
    """Kind of task."""


class GenerationSettings(_Task):
    """A continuation of each text, by a causal language model."""

    type: Literal["generation"]
    """Kind of task."""
    max_new_tokens: int = Field(default=32, ge=1)
    """Maximum number of tokens to generate."""


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
