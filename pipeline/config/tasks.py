"""Section ``tasks``: what to annotate, and with which checkpoints."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.config.section import Section


class Aggregation(StrEnum):
    """How tokens become entities.

    ``words``: each word (UAX 29) has the label of its first token, so that no entity cuts a word or
    keeps the punctuation at its edge. The others are as in transformers' token-classification
    pipeline; ``simple`` takes tokens as they are.
    """

    WORDS = "words"
    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


class Pooling(StrEnum):
    """How token vectors become one vector.

    ``mean`` over the attention mask, ``cls``: the first token's, ``pooler``: transformers' pooler
    on top of that, in checkpoints that have trained one. The others are sentence-transformers' of
    these names.
    """

    MEAN = "mean"
    CLS = "cls"
    POOLER = "pooler"
    MAX = "max"
    MEAN_SQRT_LEN = "mean_sqrt_len_tokens"
    LAST = "lasttoken"


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
    head: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """Head to use of several on one encoder: ``ner`` is that of ``ner.json`` beside
    ``config.json``; null: that of ``config.json``."""
    sha256: str | None = None
    """Expected digest of checkpoint and tokenizer, as ``--dry-run`` prints it; any other is
    refused."""


class Pair(StrEnum):
    """How a text and its second text are put before the model.

    ``text_first``: as a premise before its hypothesis. ``second_first``: as a query before the text
    that it looks for. ``none``: the text alone, whatever the input has.
    """

    TEXT_FIRST = "text_first"
    SECOND_FIRST = "second_first"
    NONE = "none"


class _Task(Section):
    type: str
    model: ModelSettings
    """Checkpoint of the task."""


class _NamedTask(_Task):
    name: Name
    """Prefix of the task's columns."""


class _PairedTask(_NamedTask):
    second_text: str | None = Field(default=None, min_length=1)
    """Second text for all records, such as a query or a hypothesis; null: each record's own, where
    ``input.second_text_column`` is set, and else the text stands alone."""
    pair: Pair | None = None
    """Order of the two texts; null: the text first where there is a second one."""

    @model_validator(mode="after")
    def _second_text_is_read(self) -> "_PairedTask":
        if self.pair is Pair.NONE and self.second_text is not None:
            raise ValueError(
                f"task {self.name!r} has a second_text and pair: none, which reads the text alone; "
                "leave one of them out"
            )
        return self


class NerSettings(_Task):
    """Named entities, by a token-classification checkpoint."""

    type: Literal["ner"]
    """Kind of task."""
    aggregation: Aggregation = Aggregation.WORDS
    """How tokens become entities: by whole words, or as in transformers' pipeline."""
    min_score: Score = 0.0
    """Minimum score of an entity; others are left out."""


class ClassificationSettings(_PairedTask):
    """One label per record, or several, by a sequence-classification checkpoint."""

    type: Literal["classification"]
    """Kind of task."""
    probs: bool = False
    """Write the probabilities of all labels."""
    multi_label: bool | None = None
    """A list of labels per record instead of one; null: where the checkpoint's ``problem_type`` is
    ``multi_label_classification``."""
    threshold: Score | None = None
    """Minimum probability of a label in such a list; null: 0.5."""


class RegressionSettings(_PairedTask):
    """Outputs of a sequence-classification checkpoint as numbers, such as a reranker's score."""

    type: Literal["regression"]
    """Kind of task."""
    sigmoid: bool = False
    """Map values to 0–1 by the logistic function, as sentence-transformers does for rerankers."""


class EmbeddingsSettings(_Task):
    """One vector per record, by the encoder of any X-MOD checkpoint."""

    type: Literal["embeddings"]
    """Kind of task."""
    pooling: Pooling | None = None
    """How token vectors become one vector; null: as the checkpoint's sentence-transformers files
    say, or the mean where it has none."""
    normalize: bool | None = None
    """Scale vectors to length 1; null: as the checkpoint's ``modules.json`` says, or true where it
    has none."""
    prefix: str | None = None
    """Text to put before each record's, such as ``"query: "``; null: the checkpoint's default
    prompt, if it has one."""
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
    | RegressionSettings
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
