"""The settings of scoring checkpoints on test data.

Enters: a YAML file through `pipeline.config.load`. Leaves: a frozen `EvaluateConfig`.
Holds: only rows of the split test are read.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt

from pipeline.config.section import Section
from pipeline.training.settings.finetuning import DataFile, Task


class Evaluated(Section):
    """One checkpoint, scored on one task's test data."""

    task: Task
    """The head."""
    checkpoint: Path
    """Its folder."""
    data: Path | Annotated[tuple[DataFile, ...], Field(min_length=1)]
    """As for fine-tuning; the train split, if there is one, is for the baseline."""
    source: str | None = None
    """X-MOD code of the language it was fine-tuned on, if it was one; `--transfer` needs it."""
    max_rows_per_language: PositiveInt = 100_000
    """Test rows that are scored, the first ones of each language."""


class EvaluateConfig(Section):
    """Which checkpoints are scored, and where the scores go."""

    checkpoints: Annotated[dict[str, Evaluated], Field(min_length=1)]
    """By the name that the report gives them."""
    out: Path
    """Folder for scores.json, scores.md and scores.png."""
    batch_size: PositiveInt
    """Rows of a forward."""
    threads: PositiveInt
    """Of torch."""
