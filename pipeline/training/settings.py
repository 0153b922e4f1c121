"""The settings of the training commands, a class each; paths are relative to the working folder."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from pipeline.config.section import Section
from pipeline.config.tasks import ModelSettings
from pipeline.training.data_settings import UNDRAWN, Assumed, LabelledData
from pipeline.training.run_settings import Share, SomeShare, Training

Base = Path | ModelSettings
"""A checkpoint: a folder, or a section with `path`, `revision` and `tokenizer` as in annotating."""
Languages = Annotated[tuple[str, ...], Field(min_length=1)]


class Architecture(Section):
    """The shape of an X-MOD encoder; without `pre_norm`, adapters are facebook/xmod-base's."""

    layers: PositiveInt
    """Number of layers."""
    hidden_size: PositiveInt
    """Width of a token's vector."""
    attention_heads: PositiveInt
    """They divide the hidden size."""
    intermediate_size: PositiveInt
    """Width within the feed-forward."""
    adapter_reduction_factor: PositiveInt
    """Hidden size over the adapters' width."""
    window: Annotated[int, Field(ge=8)]
    """Tokens of the longest input, special tokens included."""
    dropout: Share
    """Dropout of hidden states."""
    initializer_range: PositiveFloat
    """Standard deviation of new weights. Narrow models need more than BERT's 0.02."""
    pre_norm: bool
    """Normalise before attention, feed-forward and adapter, and leave the residual as it is;
    facebook/xmod-base normalises after."""

    @model_validator(mode="after")
    def _heads_divide_the_hidden_size(self) -> Self:
        if self.hidden_size % self.attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"attention_heads {self.attention_heads}"
            )
        return self


class Vocabulary(Section):
    """The SentencePiece unigram vocabulary."""

    size: Annotated[int, Field(ge=100)]
    """Pieces, special tokens included."""
    character_coverage: Annotated[float, Field(gt=0.9, le=1.0)]
    """Share of the characters that get pieces; the others are unknown."""
    sample_characters: PositiveInt
    """Characters of text the vocabulary is trained on, shared out by `language_smoothing`."""


class PretrainConfig(Training):
    """Modular masked-language-model pre-training."""

    data: Path
    """Parquet file or folder with the columns text and language."""
    languages: Languages
    """X-MOD codes; their order becomes `config.languages`, hence the `lang_id`s."""
    language_smoothing: Annotated[float, Field(gt=0.0, le=1.0)]
    """Languages are drawn in proportion to their windows to this power."""
    mask_share: SomeShare
    """Share of the tokens that masked LM hides, in every batch."""
    max_steps: PositiveInt
    """Last step, unless `optimisation.max_minutes` comes first."""
    start: Base | None = None
    """An X-MOD or XLM-R to go on from, with its vocabulary and architecture: a folder, or
    `{path, revision, tokenizer: {path, revision}}`.

    Languages that it has keep their adapters; the others get new ones.
    """
    vocabulary: Vocabulary | None = None
    """Vocabulary of a new model; with `start` it is the start's."""
    architecture: Architecture | None = None
    """Architecture of a new model; with `start` it is the start's."""
    adapter_reduction_factor: PositiveInt = 2
    """Of the adapters that a `start` without any gets, as XLM-R is."""

    @model_validator(mode="after")
    def _a_new_model_needs_a_shape(self) -> Self:
        given = [name for name in ("vocabulary", "architecture") if getattr(self, name)]
        if self.start is None and len(given) < 2:
            raise ValueError("a model that is not a start's needs vocabulary and architecture")
        if self.start is not None and given:
            raise ValueError(
                f"{' and '.join(given)} would not be used: start brings its own. Take them out, "
                "or set start to null"
            )
        return self


class Task(StrEnum):
    """The tasks that a model can be fine-tuned for: one a head of transformers' X-MOD."""

    NER = "ner"
    CLASSIFICATION = "classification"
    QUESTION_ANSWERING = "question_answering"
    MULTIPLE_CHOICE = "multiple_choice"
    MASKED_LM = "masked_lm"
    CAUSAL_LM = "causal_lm"
    EMBEDDINGS = "embeddings"


class EarlyStopping(Section):
    """Ends training after `patience` epochs in a row that are not `min_delta` above the best."""

    patience: PositiveInt
    """Epochs without a better figure."""
    min_delta: NonNegativeFloat = 0.0
    """Smallest difference that counts as better."""


class FinetuneConfig(Training):
    """Fine-tuning of one task, with embeddings and language adapters frozen unless told not to."""

    task: Task
    """The head."""
    base: Base
    """X-MOD to go on from: a folder, or `{path, revision, tokenizer: {path, revision}}` as in the
    configs of annotating. The head of another task is left out."""
    data: LabelledData
    """A file or folder with the task's columns, and perhaps language and split: Parquet, CSV, TSV,
    JSON Lines, CoNLL, or what Hugging Face's `datasets` saved; or a list of such."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Names that the data have for the task's columns, such as `{label: intent}`."""
    language: str | None = None
    """Language of rows whose data have none."""
    dev_share: SomeShare = 0.1
    """Share of each language's rows that is drawn as dev rows, of rows whose data have no split, or
    of the train rows where no row is dev; the others are train rows."""
    languages: Languages
    """Languages with training data, the sources; the others are served zero-shot."""
    max_rows_per_language: PositiveInt
    """Maximum number of train rows, drawn at random."""
    max_dev_rows_per_language: PositiveInt
    """Maximum number of dev rows, drawn at random."""
    epochs: PositiveInt
    """Last epoch, unless something else ends the training first."""
    dropout: Share
    """Dropout of hidden states."""
    frozen: bool | Literal["encoder"] = True
    """Whether embeddings and language adapters stay as they are, so that other languages' adapters
    fit the head (Pfeiffer et al., NAACL 2022); `encoder`: all but the head does, so that heads can
    share one."""
    class_weights: Literal["balanced"] | dict[str, PositiveFloat] | None = None
    """Weight of a label's loss: inverse to its frequency, or as given (1 for those not named)."""
    temperature: PositiveFloat = 0.05
    """Embeddings: what cosines are divided by."""
    early_stopping: EarlyStopping | None = None
    """On the dev figure; null: none."""

    @property
    def assumed(self) -> Assumed:
        """What rows are whose data do not say."""
        return Assumed(self.language, UNDRAWN, self.columns)

    @model_validator(mode="after")
    def _class_weights_need_labels(self) -> Self:
        if self.class_weights is not None and self.task not in (Task.NER, Task.CLASSIFICATION):
            raise ValueError(f"class_weights are of ner and classification, not of {self.task}")
        return self


class AddLanguageConfig(Training):
    """One language after the fact: a new adapter, trained by masked LM."""

    base: Base
    """X-MOD with a masked-LM head, which stays as it is: a folder, or
    `{path, revision, tokenizer: {path, revision}}`."""
    tasks: dict[str, Path] = Field(default_factory=dict)
    """Fine-tuned checkpoints of the same base, by the name of the folder they get in `out`."""
    language: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """X-MOD code, such as is_IS."""
    data: Path
    """Parquet file or folder with the columns text and language; only this language is read."""
    heldout_share: SomeShare = 0.1
    """Share of the texts, the last ones in order, by which adapters are compared."""
    heldout_windows: PositiveInt = 32
    """Maximum number of held-out windows that each adapter reads."""
    start: str = "nearest"
    """`nearest`, the old adapter that guesses masked words best; `afresh`; or a language's code."""
    candidates: tuple[str, ...] = ()
    """Languages that the nearest is chosen among; all of the base by default. Comparing one takes
    `heldout_windows` forwards three times, which is long with 81 languages of a large model."""
    new_pieces: PositiveInt = 2000
    """Maximum number of vocabulary rows added for characters that the tokenizer does not know."""
    unknown_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    """Share of unknown tokens above which rows are added."""
    mask_share: SomeShare = 0.15
    """Share of the tokens that masked LM hides."""
    max_steps: PositiveInt
    """Last step, unless `optimisation.max_minutes` comes first."""
    embedding_learning_rate: PositiveFloat = 1e-3
    """Learning rate of new vocabulary rows."""


class Evaluated(Section):
    """One checkpoint, scored on one task's test data."""

    task: Task
    """The head."""
    checkpoint: Base
    """Its folder, or `{path, revision, tokenizer: {path, revision}}`."""
    data: LabelledData
    """As for fine-tuning; the train split, if there is one, is for the baselines. Rows whose data
    have no split are test rows."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Names that the data have for the task's columns, such as `{label: intent}`."""
    language: str | None = None
    """Language of rows whose data have none."""
    source: str | None = None
    """X-MOD code of the language it was fine-tuned on, if it was one; `--transfer` needs it."""
    max_rows_per_language: PositiveInt = 100_000
    """Maximum number of test rows that are scored, the first ones of each language."""


class EvaluateConfig(Section):
    """Which checkpoints are scored, and where the scores go."""

    checkpoints: Annotated[dict[str, Evaluated], Field(min_length=1)]
    """Checkpoints by the name that the report gives them."""
    out: Path
    """Folder for scores.json, scores.md and scores.png."""
    batch_size: PositiveInt
    """Rows of a forward pass."""
    threads: PositiveInt
    """PyTorch threads."""
