"""The settings of the demo model's training, and of the counts that tell languages apart."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pipeline.config.section import Section
from pipeline.training.run_settings import SomeShare, Training


class Objective(Section):
    """What a share of the batches learns."""

    data: Path
    """Parquet; of labelled rows only the train split is read."""
    share: SomeShare
    """Share of the batches."""
    weight: PositiveFloat = 1.0
    """Weight of the loss."""
    batch_size: PositiveInt
    """Rows of a batch."""
    max_rows_per_language: PositiveInt
    """Maximum number of rows, drawn at random."""


class Objectives(Section):
    """Three objectives, of which each batch is drawn in proportion to their shares."""

    masked_lm: Objective
    """Masked words of texts: columns text, language."""
    meaning: Objective
    """The vectors that another encoder gives: columns text, language, vector."""
    tags: Objective
    """Entities: columns tokens, tags, spaces, language, split."""


class GrowthConfig(Training):
    """Adapters, upper layers and a head of an X-MOD whose other weights stay as they are."""

    start: Path
    """The checkpoint to grow."""
    objectives: Objectives
    """What is learnt."""
    language_smoothing: Annotated[float, Field(gt=0.0, le=1.0)]
    """Languages are drawn in proportion to their rows to this power."""
    mask_share: SomeShare
    """Share of the tokens that masked LM hides."""
    window: PositiveInt
    """Most tokens of a row."""
    shared_from: Annotated[int, Field(ge=0)]
    """The first layer whose shared weights learn."""
    adapters_from: Annotated[int, Field(ge=0)]
    """The first layer whose adapters learn; those below add nothing."""
    shared_rate: PositiveFloat
    """Learning rate of shared weights, in those of adapters and heads."""
    max_steps: PositiveInt
    """Last step, unless `optimisation.max_minutes` comes first."""


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
