"""The settings of the demo's pre-training, and of the counts that tell languages apart."""

from pathlib import Path
from typing import Self
from zlib import crc32

from pydantic import PositiveFloat, PositiveInt, model_validator

from pipeline.config.section import Section
from pipeline.training.run_settings import SomeShare
from pipeline.training.settings import PretrainConfig


class LabelledObjective(Section):
    """An objective with labels, learnt through a head that is not kept."""

    data: Path
    """Parquet as for fine-tuning; only its train split is read."""
    share: SomeShare
    """Share of the batches."""
    weight: PositiveFloat = 1.0
    """Weight of its loss beside that of masked LM, whose gradients would drown a small one."""
    max_rows_per_language: PositiveInt
    """Maximum number of rows, drawn at random."""
    batch_size: PositiveInt
    """Rows of a batch."""


class TranslationObjective(Section):
    """Texts get vectors that are near to those of their translations."""

    data: Path
    """Parquet as for fine-tuning embeddings; only its train split is read."""
    share: SomeShare
    """Share of the batches."""
    weight: PositiveFloat = 1.0
    """Weight of the loss beside that of masked LM."""
    batch_size: PositiveInt
    """Pairs of one forward pass."""
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


class DemoPretrainConfig(PretrainConfig):
    """Modular pre-training with other objectives beside masked LM."""

    objectives: Objectives = Objectives()
    """What is learnt beside masked words."""

    def seed_of(self, objective: str, worker: int) -> tuple[int, int, int]:
        """The seed of a worker's batches for an objective, apart from that of the others."""
        return self.optimisation.seed, crc32(objective.encode()), worker


class IdentifierConfig(Section):
    """The counts that tell languages apart, and how far detectors are to be trusted."""

    data: Path
    """Parquet with the columns text, language (X-MOD codes) and split (train, dev)."""
    out: Path
    """Folder for the counts, the blend and the trust."""
    characters: PositiveInt
    """Maximum number of characters counted per language."""
    least_count: PositiveInt
    """N-grams and pairs of words that were met less often, in all languages, are forgotten."""
    smoothing: PositiveFloat
    """What is added to every count."""
    detectors: tuple[str, ...]
    """Detectors whose scores are calibrated."""
    fasttext_model: Path | None = None
    """The model for the detector fasttext, if that is among them."""
    seed: int
    """Seed of everything random."""
