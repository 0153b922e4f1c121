"""The settings of adding a language to a trained X-MOD.

Enters: a YAML file through `pipeline.config.load`. Leaves: a frozen `AddLanguageConfig`.
Holds: nothing here can change what the model gives for the languages it has.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pipeline.config.section import Section
from pipeline.training.settings.optimisation import Optimisation, TrainingRuntime


class AddLanguageConfig(Section):
    """One language after the fact: a new adapter, trained by masked LM."""

    base: Path
    """Checkpoint folder with a masked-LM head; it stays as it is."""
    tasks: dict[str, Path] = Field(default_factory=dict)
    """Fine-tuned checkpoints of the same base, by the name of the folder they get in `out`."""
    out: Path
    """Folder for `base/` and the tasks, all with the language."""
    language: str
    """X-MOD code, such as is_IS."""
    data: Path
    """Parquet file or folder with the columns text and language; only this language is read."""
    heldout_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    """Of the texts, the last ones in order, by which adapters are compared."""
    heldout_windows: PositiveInt = 32
    """Windows of held-out text that each adapter reads, at most."""
    start: str = "nearest"
    """`nearest`, the old adapter that guesses masked words best; `afresh`; or a language's code."""
    new_pieces: PositiveInt = 2000
    """Vocabulary rows that are added at most, for characters that the tokenizer does not know."""
    unknown_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    """Share of unknown tokens above which rows are added."""
    mask_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    """Of the tokens that masked LM hides."""
    max_steps: PositiveInt
    """Where training ends, unless `optimisation.max_minutes` comes first."""
    embedding_learning_rate: PositiveFloat = 1e-3
    """Of new vocabulary rows."""
    optimisation: Optimisation
    """Steps, batches and rates."""
    runtime: TrainingRuntime = TrainingRuntime()
    """Workers, and what each of them gets."""
