"""How a model is stepped, and where training runs.

Enters: two sections that pre-training, fine-tuning and adding a language share.
Holds: what stops and resumes a training is set here and nowhere else.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from pipeline.config.section import Section

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Smoothing = Annotated[float, Field(gt=0.0, le=1.0)]


class Precision(StrEnum):
    """What products are computed in; weights and sums are float32 in either case."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Optimisation(Section):
    """How a model is stepped. Training ends at `max_minutes` or at its last step."""

    learning_rate: PositiveFloat
    """AdamW's, at the end of the warm-up; it falls to 0 from there."""
    weight_decay: Annotated[float, Field(ge=0.0)]
    """AdamW's."""
    warmup_share: Share
    """Of the steps or minutes."""
    batch_size: PositiveInt
    """Rows of one forward of one worker."""
    accumulation: PositiveInt = 1
    """Forwards of one step."""
    max_minutes: PositiveFloat
    """Wall time of the training itself, in all its attempts together."""
    precision: Precision = Precision.FLOAT32
    """Of products; weights are float32."""
    threads: PositiveInt
    """Of torch, in each worker."""
    seed: int
    """Of everything that chance decides."""


class TrainingRuntime(Section):
    """Ray Train: how many workers, what each has, and how a training survives them."""

    workers: PositiveInt = 1
    """Each steps on its share of the examples; gradients are averaged."""
    cpus_per_worker: PositiveFloat = 1.0
    """That Ray keeps for a worker."""
    gpus_per_worker: NonNegativeFloat = 0.0
    """0 or 1."""
    save_steps: PositiveInt = 500
    """Steps between two checkpoints, from which a training resumes."""
    start_timeout: NonNegativeFloat = 1800
    """Seconds to wait until the cluster has room; then the command ends with exit code 5."""
    max_failures: NonNegativeInt = 3
    """How often workers may die before the training fails."""
    storage: str | None = None
    """Folder or URI that all workers reach, for checkpoints; by default beside `out`."""
    logs: Path | None = None
    """Folder for TensorBoard's event files; none are written without it."""
