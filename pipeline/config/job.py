"""The whole configuration of an annotation job, and checks across its sections."""

from pydantic import Field, model_validator

from pipeline.config.inputs import InputSettings, OutputSettings
from pipeline.config.language import LanguageSettings
from pipeline.config.runtime import RuntimeSettings
from pipeline.config.section import Section
from pipeline.config.tasks import ClassificationSettings, Pair, RegressionSettings, TaskSettings


class Prices(Section):
    """Prices of machines, for cost estimates."""

    currency: str = Field(default="USD", min_length=1)
    """Currency to show."""
    cpu_hour: float = Field(default=0, ge=0)
    """Price per hour of one CPU with its share of the memory."""
    gpu_hour: float = Field(default=0, ge=0)
    """Price per hour of one GPU."""


class JobSettings(Section):
    """The configuration of an annotation job."""

    input: InputSettings
    """Corpus to annotate."""
    output: OutputSettings
    """Where to write the enriched corpus."""
    language: LanguageSettings = LanguageSettings()
    """How to find each record's language and adapter."""
    tasks: tuple[TaskSettings, ...] = Field(min_length=1)
    """Annotations to make; one task per type, or a ``name`` for each."""
    runtime: RuntimeSettings = RuntimeSettings()
    """Hardware, batch sizes, timeouts and retries."""
    prices: Prices | None = None
    """Prices for cost estimates; null: no estimates."""

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> "JobSettings":
        names = [getattr(task, "name", task.type) for task in self.tasks]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(
                f"tasks write the same columns: {', '.join(doubled)}; expected one task of each "
                "type, or a distinct name for each"
            )
        return self

    @model_validator(mode="after")
    def _questions_and_choices_are_given(self) -> "JobSettings":
        for task in self.tasks:
            if task.type == "question_answering" and not task.question:
                self._require_column(task.name, "question", self.input.question_column)
            if task.type == "multiple_choice" and not task.choices:
                self._require_column(task.name, "choices", self.input.choices_column)
            if isinstance(task, ClassificationSettings | RegressionSettings):
                asks = task.pair in (Pair.TEXT_FIRST, Pair.SECOND_FIRST)
                if asks and not task.second_text:
                    self._require_column(task.name, "second_text", self.input.second_text_column)
        return self

    @staticmethod
    def _require_column(task: str, key: str, column: str | None) -> None:
        if not column:
            raise ValueError(
                f"task {task!r} has no {key}; set its {key}, or input.{key}_column "
                "for each record's own"
            )
