"""The job as a whole, and what its sections ask of each other."""

from pydantic import Field, model_validator

from pipeline.config.inputs import InputSettings, OutputSettings
from pipeline.config.language import LanguageSettings
from pipeline.config.prices import Prices
from pipeline.config.runtime import RuntimeSettings
from pipeline.config.section import Section
from pipeline.config.tasks import TaskSettings


class JobSettings(Section):
    """Everything that ``jobs/annotate.py`` is told."""

    input: InputSettings
    """The corpus."""
    output: OutputSettings
    """The enriched corpus."""
    language: LanguageSettings = LanguageSettings()
    """How records come to adapters."""
    tasks: tuple[TaskSettings, ...] = Field(min_length=1)
    """What is annotated."""
    runtime: RuntimeSettings = RuntimeSettings()
    """Machines, batches and retries."""
    prices: Prices | None = None
    """For estimates of cost; null: none are made."""

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
    def _tasks_have_what_they_ask(self) -> "JobSettings":
        for task in self.tasks:
            if task.type == "question_answering" and not (
                task.question or self.input.question_column
            ):
                raise ValueError(
                    f"task {task.name!r} has no question; set its question, or "
                    "input.question_column for one a record"
                )
            if task.type == "multiple_choice" and not (task.choices or self.input.choices_column):
                raise ValueError(
                    f"task {task.name!r} has no choices; set its choices, or "
                    "input.choices_column for those of each record"
                )
        return self
