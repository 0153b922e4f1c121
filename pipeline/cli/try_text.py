"""One text through the stages of a job, in this process; nothing is written."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.api.annotator import Annotator
from pipeline.config import InputSettings, JobSettings
from pipeline.contract import schema
from pipeline.errors import InputError

_TYPES = {
    **dict.fromkeys(("language", "question", "second_text"), pa.string()),
    "choices": pa.list_(pa.string()),
}
"""Of the columns of what a trial may say beside its text."""


@dataclass(frozen=True)
class Trial:
    """A text, its language where it is not to be detected, and what is asked of it."""

    text: str
    language: str | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()
    second_text: str | None = None


def annotated(settings: JobSettings, trial: Trial) -> dict[str, Any]:
    """The columns of the output for the trial's record.

    Raises InputError where the record would go to quarantine.
    """
    columns = _columns(trial)
    if settings.input.second_text_column and not trial.second_text:
        columns["second_text"] = pa.nulls(1, pa.string())  # as a record of the corpus without one
    own = settings.model_copy(update={"input": _inputs(settings.input, columns)})
    row = Annotator(own)(pa.table({settings.input.text_column: [trial.text], **columns}))
    if error := row["error"][0].as_py():
        raise InputError(
            f"The record would go to quarantine in stage {error['stage']}, as "
            f"{error['error_type']}: {error['message']}"
        )
    shown = row.drop_columns([schema.RECORD_ID.name, "error"])
    return {name: shown[name][0].as_py() for name in shown.column_names}


def _columns(trial: Trial) -> dict[str, pa.Array]:
    """What the trial says beside its text, by column; what it does not say has none."""
    said = {name: getattr(trial, name) for name in _TYPES}
    return {name: pa.array([said[name]], _TYPES[name]) for name in said if said[name]}


def _inputs(settings: InputSettings, columns: dict[str, pa.Array]) -> InputSettings:
    """The settings with the trial's columns for the corpus's."""
    named = {f"{name}_column": name if name in columns else None for name in _TYPES}
    alone = {"id_column": None, "language_prior_column": None, "keep_columns": ()}
    return settings.model_copy(update=alone | named)
