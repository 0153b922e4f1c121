"""The settings of pre-training, fine-tuning and evaluation.

Enters: a YAML file through `pipeline.config.load`. Leaves: frozen models, parsed once.
Holds: paths are relative to the working folder; unknown keys are refused.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from zlib import crc32

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pipeline.config import Section

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Smoothing = Annotated[float, Field(gt=0.0, le=1.0)]


class Task(StrEnum):
    """The tasks that a head can be fine-tuned for."""

    NER = "ner"
    CLASSIFICATION = "classification"


class Architecture(Section):
    """The shape of an X-MOD encoder; without `pre_norm`, adapters are facebook/xmod-base's."""

    layers: PositiveInt
    hidden_size: PositiveInt
    attention_heads: PositiveInt
    intermediate_size: PositiveInt
    adapter_reduction_factor: PositiveInt
    window: Annotated[int, Field(ge=8)]
    """Tokens of the longest input, special tokens included."""
    dropout: Share
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
    character_coverage: Annotated[float, Field(gt=0.9, le=1.0)]
    sample_characters: PositiveInt
    """Characters of text the vocabulary is trained on, shared out by `language_smoothing`."""


class Optimisation(Section):
    """How a model is stepped. Training ends at `max_minutes` or at its last step."""

    learning_rate: PositiveFloat
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_share: Share
    batch_size: PositiveInt
    """Rows of one forward."""
    accumulation: PositiveInt = 1
    """Forwards of one step."""
    max_minutes: PositiveFloat
    threads: PositiveInt
    seed: int


class LabelledObjective(Section):
    """An objective with labels, learnt through a head that is not kept."""

    data: Path
    """Parquet as for fine-tuning; only its train split is read."""
    share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Share of the batches."""
    weight: PositiveFloat = 1.0
    """What its loss counts beside that of masked LM, whose gradients would drown a small one."""
    max_rows_per_language: PositiveInt
    batch_size: PositiveInt


class TranslationObjective(Section):
    """Translations are drawn together."""

    data: Path
    """Parquet with the columns text, language, group; texts of one group translate each other."""
    share: Annotated[float, Field(gt=0.0, lt=1.0)]
    batch_size: PositiveInt
    """Pairs of one forward."""
    temperature: PositiveFloat
    """What cosines are divided by."""


class Objectives(Section):
    """What is learnt beside masked LM, which has the rest of the batches."""

    tags: LabelledObjective | None = None
    classes: LabelledObjective | None = None
    translations: TranslationObjective | None = None

    @property
    def share(self) -> float:
        """Share of the batches of all of them."""
        return sum(one.share for one in (self.tags, self.classes, self.translations) if one)

    @model_validator(mode="after")
    def _leave_a_rest(self) -> Self:
        if self.share >= 1.0:
            raise ValueError(f"shares add up to {self.share:.2f}; masked LM needs some of 1.0")
        return self


class PretrainConfig(Section):
    """Modular masked-language-model pre-training."""

    data: Path
    """Parquet file or folder with the columns text and language."""
    out: Path
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    """X-MOD codes; their order becomes `config.languages`, hence the `lang_id`s."""
    language_smoothing: Smoothing
    """Languages are drawn in proportion to their windows to this power."""
    mask_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    max_steps: PositiveInt
    start: Path | None = None
    """A base checkpoint to train further, with its vocabulary and architecture."""
    vocabulary: Vocabulary
    architecture: Architecture
    objectives: Objectives = Objectives()
    optimisation: Optimisation

    @property
    def lang_ids(self) -> dict[str, int]:
        """The `lang_id` of each language."""
        return {language: position for position, language in enumerate(self.languages)}

    def seed_of(self, objective: str) -> tuple[int, int]:
        """The seed of an objective's batches: the run's, apart from that of the others."""
        return self.optimisation.seed, crc32(objective.encode())

    @model_validator(mode="after")
    def _translations_need_two_languages(self) -> Self:
        if self.objectives.translations and len(self.languages) < 2:
            raise ValueError(
                f"objectives.translations needs two languages or more; languages is "
                f"{list(self.languages)}"
            )
        return self


class FinetuneConfig(Section):
    """Fine-tuning of one task with embeddings and language adapters frozen."""

    task: Task
    base: Path
    """Checkpoint folder written by pre-training."""
    data: Path
    """Parquet with language and split, and tokens, tags, spaces (ner) or text, label."""
    out: Path
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    """Languages with training data; the others are served zero-shot."""
    max_sentences_per_language: PositiveInt
    max_dev_sentences_per_language: PositiveInt
    epochs: PositiveInt
    dropout: Share
    optimisation: Optimisation


class EvaluateConfig(Section):
    """Scores of the checkpoints on the test parts."""

    base: Path
    ner: Path | None = None
    classification: Path | None = None
    ner_data: Path | None = None
    classification_data: Path | None = None
    retrieval_data: Path | None = None
    heldout_data: Path | None = None
    out: Path
    """JSON file for the scores."""
    batch_size: PositiveInt
    threads: PositiveInt
    seed: int


class IdentifierConfig(Section):
    """The counts that tell languages apart, and how far detectors are to be trusted."""

    data: Path
    """Parquet with the columns text, language (X-MOD codes) and split (train, dev)."""
    out: Path
    """Folder for the counts, the blend and the trust."""
    characters: PositiveInt
    """Of text that are counted in a language, at most; about as many in each."""
    least_count: PositiveInt
    """N-grams and pairs of words that were met less often, in all languages, are forgotten."""
    smoothing: PositiveFloat
    """What is added to every count."""
    detectors: tuple[str, ...]
    """Detectors whose scores are calibrated."""
    fasttext_model: Path | None = None
    """The model for the detector fasttext, if that is among them."""
    seed: int
