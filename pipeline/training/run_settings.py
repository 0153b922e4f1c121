"""What every training is told: how it steps, and what runs it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from pipeline.config.section import Section

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
SomeShare = Annotated[float, Field(gt=0.0, lt=1.0)]


class Precision(StrEnum):
    """The type that products are computed in; weights and sums are float32 in either case."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Optimisation(Section):
    """How a model is optimised. Training ends at `max_minutes` or at its last step."""

    learning_rate: PositiveFloat
    """Peak learning rate of AdamW, at the end of the warm-up; it falls linearly to 0."""
    weight_decay: Annotated[float, Field(ge=0.0)]
    """Weight decay of AdamW."""
    warmup_share: Share
    """Share of the steps, or of the minutes, that warm up."""
    batch_size: PositiveInt
    """Rows of one forward pass of one worker."""
    accumulation: PositiveInt = 1
    """Forward passes per optimizer step."""
    max_minutes: PositiveFloat
    """Wall time of the training itself, over all its attempts."""
    precision: Precision = Precision.FLOAT32
    """Type of products; weights are float32."""
    threads: PositiveInt
    """PyTorch threads per worker."""
    seed: int
    """Seed of everything random."""


class TrainingRuntime(Section):
    """Ray Train: how many workers, what each has, and how a training survives them."""

    workers: PositiveInt = 1
    """Each steps on its share of the examples; gradients are averaged."""
    cpus_per_worker: PositiveFloat = 1.0
    """CPUs that Ray reserves per worker."""
    gpus_per_worker: NonNegativeFloat = 0.0
    """0 or 1."""
    save_steps: PositiveInt = 500
    """Steps between two checkpoints, from which a training resumes."""
    start_timeout: NonNegativeFloat = 1800
    """Seconds to wait until the cluster has room; then the command ends with exit code 5."""
    max_failures: NonNegativeInt = 3
    """How often workers may die before the training fails."""
    storage: str | None = None
    """Folder or URI for checkpoints that all workers reach; by default beside `out`."""
    logs: Path | None = None
    """Folder for TensorBoard's event files; none are written without it."""


class Training(Section):
    """What every training is told."""

    out: Path
    """Folder for the checkpoint; of a language that is added, for `base/` and the tasks."""
    optimisation: Optimisation
    """Steps, batches and rates."""
    runtime: TrainingRuntime = TrainingRuntime()
    """Workers, and what each of them gets."""
