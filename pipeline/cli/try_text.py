"""One text through the stages of a job, in this process: what a config makes of it.

Enters: a job's settings, and a text with what is known of it. Leaves: the record as the output
would have it. Holds: the text comes the way of every record, from a Parquet file through the gate
and each stage; nothing is written to the output, and no cluster is started.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import InputSettings, JobSettings
from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.corpus.survey import cut, survey_corpus
from pipeline.errors import InputError
from pipeline.planning.job import resolve_job
from pipeline.stages.failure import failure_in

_TYPES = {"language": pa.string(), "question": pa.string(), "choices": pa.list_(pa.string())}
"""Of the columns of what a trial may say beside its text."""


@dataclass(frozen=True)
class Trial:
    """A text, its language where it is not to be detected, and what is asked of it."""

    text: str
    language: str | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()


def annotated(settings: JobSettings, trial: Trial) -> dict[str, Any]:
    """The columns of the output for the trial's record.

    Raises InputError where the record would go to quarantine.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trial.parquet"
        columns = _columns(trial)
        pq.write_table(pa.table({settings.input.text_column: [trial.text], **columns}), path)
        inputs = _inputs(settings.input, path, columns)
        own = settings.model_copy(update={"input": inputs})
        survey = survey_corpus(inputs, allow_bad_files=False)
        job = resolve_job(own, survey.planned, None)
        (unit,) = cut(survey, own.runtime, job.fingerprint, None)
        block = job.preparation(unit)
    _require_sound(block)
    block = job.annotate(block)
    _require_sound(block)
    shown = (name for name in job.declared.names if name != schema.RECORD_ID.name)
    return {name: block[name][0].as_py() for name in shown}


def _require_sound(block: pa.Table) -> None:
    failure = failure_in(block)
    if failure is None and (error := block[schema.ERROR.name][0].as_py()):
        failure = Failure(**error)
    if failure:
        raise InputError(
            f"The record would go to quarantine in stage {failure.stage}, as "
            f"{failure.error_type}: {failure.message}"
        )


def _columns(trial: Trial) -> dict[str, pa.Array]:
    """What the trial says beside its text, by column; what it does not say has none."""
    said = {name: getattr(trial, name) for name in _TYPES}
    return {name: pa.array([said[name]], _TYPES[name]) for name in said if said[name]}


def _inputs(settings: InputSettings, path: Path, columns: dict[str, pa.Array]) -> InputSettings:
    """The settings with the trial's file for the corpus, and its columns for the corpus's."""
    named = {f"{name}_column": name if name in columns else None for name in _TYPES}
    alone = {"uri": str(path), "id_column": None, "language_prior_column": None, "keep_columns": ()}
    return settings.model_copy(update=alone | named)
