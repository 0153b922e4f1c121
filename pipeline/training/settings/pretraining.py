"""The settings of modular pre-training.

Enters: a YAML file through `pipeline.config.load`. Leaves: a frozen `PretrainConfig`.
Holds: a model is new, with a vocabulary and an architecture, or goes on from a checkpoint's.
"""

from pathlib import Path
from typing import Annotated, Self
from zlib import crc32

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pipeline.config.section import Section
from pipeline.training.settings.optimisation import Optimisation, Share, Smoothing, TrainingRuntime


class Architecture(Section):
    """The shape of an X-MOD encoder; without `pre_norm`, adapters are facebook/xmod-base's."""

    layers: PositiveInt
    """Of the encoder."""
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
    """Of hidden states and attention."""
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


class LabelledObjective(Section):
    """An objective with labels, learnt through a head that is not kept."""

    data: Path
    """Parquet as for fine-tuning; only its train split is read."""
    share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Share of the batches."""
    weight: PositiveFloat = 1.0
    """What its loss counts beside that of masked LM, whose gradients would drown a small one."""
    max_rows_per_language: PositiveInt
    """Of the corpus, by chance."""
    batch_size: PositiveInt
    """Rows of a batch."""


class TranslationObjective(Section):
    """Texts get vectors that are near to those of their translations."""

    data: Path
    """Parquet as for fine-tuning embeddings; only its train split is read."""
    share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Of the batches."""
    weight: PositiveFloat = 1.0
    """What the loss counts beside that of masked LM."""
    batch_size: PositiveInt
    """Pairs of one forward."""
    temperature: PositiveFloat
    """What cosines are divided by."""


class Objectives(Section):
    """What is learnt beside masked LM, which has the rest of the batches."""

    tags: LabelledObjective | None = None
    """Entity tags of sentences."""
    classes: LabelledObjective | None = None
    """Classes of texts."""
    translations: TranslationObjective | None = None
    """Texts and their translations."""

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
    """Where the checkpoint goes."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    """X-MOD codes; their order becomes `config.languages`, hence the `lang_id`s."""
    language_smoothing: Smoothing
    """Languages are drawn in proportion to their windows to this power."""
    mask_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Of the tokens that masked LM hides, in every batch."""
    max_steps: PositiveInt
    """Where training ends, unless `optimisation.max_minutes` comes first."""
    start: Path | None = None
    """An X-MOD or XLM-R checkpoint to go on from, with its vocabulary and architecture.

    Languages that it has keep their adapters; the others get new ones.
    """
    vocabulary: Vocabulary | None = None
    """Of a new model; with `start` it is the start's."""
    architecture: Architecture | None = None
    """Of a new model; with `start` it is the start's."""
    adapter_reduction_factor: PositiveInt = 2
    """Of the adapters that a `start` without any gets, as XLM-R is."""
    objectives: Objectives = Objectives()
    """What is learnt beside masked words."""
    optimisation: Optimisation
    """Steps, batches and rates."""
    runtime: TrainingRuntime = TrainingRuntime()
    """Workers, and what each of them gets."""

    def seed_of(self, objective: str, worker: int) -> tuple[int, int, int]:
        """The seed of a worker's batches for an objective, apart from that of the others."""
        return self.optimisation.seed, crc32(objective.encode()), worker

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

    @model_validator(mode="after")
    def _translations_need_two_languages(self) -> Self:
        if self.objectives.translations and len(self.languages) < 2:
            raise ValueError(
                f"objectives.translations needs two languages or more; languages is "
                f"{list(self.languages)}"
            )
        return self
