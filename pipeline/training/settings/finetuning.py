"""The settings of fine-tuning one task.

Enters: a YAML file through `pipeline.config.load`. Leaves: a frozen `FinetuneConfig`.
Holds: what the data must look like depends on the task; docs/training.md says how.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pipeline.config.section import Section
from pipeline.training.settings.optimisation import Optimisation, Share, TrainingRuntime


class Task(StrEnum):
    """The tasks that a model can be fine-tuned for: one a head of transformers' X-MOD."""

    NER = "ner"
    CLASSIFICATION = "classification"
    QUESTION_ANSWERING = "question_answering"
    MULTIPLE_CHOICE = "multiple_choice"
    MASKED_LM = "masked_lm"
    CAUSAL_LM = "causal_lm"
    EMBEDDINGS = "embeddings"


class DataFile(Section):
    """A file of columns without a language of its own: CoNLL (for NER) or TSV with a header."""

    path: Path
    """A CoNLL or TSV file."""
    language: str
    """X-MOD code."""
    split: Literal["train", "dev", "test"]
    """Of all its rows."""
    token_column: int = 0
    """Of CoNLL: the place of the word in a line, counted from 0."""
    tag_column: int = -1
    """Of CoNLL: the place of the tag; -1 is the last."""
    spaces: bool = True
    """Of CoNLL without its text: whether there are spaces between words, as Chinese has not."""


class EarlyStopping(Section):
    """Ends training after `patience` epochs in a row that are not `min_delta` above the best."""

    patience: PositiveInt
    """Epochs without a better figure."""
    min_delta: NonNegativeFloat = 0.0
    """What counts as better."""


class FinetuneConfig(Section):
    """Fine-tuning of one task, with embeddings and language adapters frozen unless told not to."""

    task: Task
    """The head."""
    base: Path
    """Checkpoint folder of X-MOD, with safetensors and a tokenizer."""
    data: Path | Annotated[tuple[DataFile, ...], Field(min_length=1)]
    """Parquet file or folder with the columns language and split beside the task's own; or files
    of CoNLL or TSV."""
    out: Path
    """Where the checkpoint goes."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    """Languages with training data, the sources; the others are served zero-shot."""
    max_rows_per_language: PositiveInt
    """Of the train part, by chance."""
    max_dev_rows_per_language: PositiveInt
    """Of the dev part, by chance."""
    epochs: PositiveInt
    """Where training ends, unless something else comes first."""
    dropout: Share
    """Of hidden states and attention."""
    frozen: bool = True
    """Whether embeddings and language adapters stay as they are, so that other languages' adapters
    fit the head (Pfeiffer et al., NAACL 2022)."""
    class_weights: Literal["balanced"] | dict[str, PositiveFloat] | None = None
    """What a label's loss counts: inverse to its frequency, or as given (1 for those not named)."""
    temperature: PositiveFloat = 0.05
    """Of embeddings: what cosines are divided by."""
    early_stopping: EarlyStopping | None = None
    """On the dev figure; null: none."""
    optimisation: Optimisation
    """Steps, batches and rates."""
    runtime: TrainingRuntime = TrainingRuntime()
    """Workers, and what each of them gets."""

    @model_validator(mode="after")
    def _class_weights_need_labels(self) -> Self:
        if self.class_weights is not None and self.task not in (Task.NER, Task.CLASSIFICATION):
            raise ValueError(f"class_weights are of ner and classification, not of {self.task}")
        return self
