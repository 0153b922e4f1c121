"""Where the corpus is, what its columns are called, and where the output goes."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from pipeline.config.section import Section


class Missing(StrEnum):
    """What becomes of the records of an input file that is gone."""

    KEEP = "keep"
    REMOVE = "remove"
    FAIL = "fail"


class Changed(StrEnum):
    """What happens where an input file has other content than what is in the output."""

    FAIL = "fail"
    REPLACE = "replace"


class InputSettings(Section):
    """The corpus: a Parquet file, a directory of them, or a glob."""

    uri: str
    """A Parquet file, a directory or a glob; a path, ``s3://`` or ``gs://``."""
    text_column: str = "text"
    """What is annotated; any string type."""
    id_column: str | None = None
    """Becomes ``record_id``; null: that is made of file and row."""
    language_column: str | None = None
    """Codes, tags or English names; null: the detector is asked for every record."""
    language_prior_column: str | None = None
    """Likely languages of a record, as ``de, fr`` or a list."""
    question_column: str | None = None
    """A question for each record, where a task does not ask all the same."""
    choices_column: str | None = None
    """A list of choices for each record, where a task has not the same for all."""
    keep_columns: Literal["all"] | tuple[str, ...] = "all"
    """Which columns pass through: all, or a list."""
    max_text_bytes: int = Field(default=1 << 20, gt=0)
    """Of a text, with its question and choices; a larger record goes to quarantine."""
    missing: Missing = Missing.KEEP
    """What becomes of the records of input files that are gone: kept, removed, or the run fails."""
    changed: Changed = Changed.FAIL
    """Input files whose content changed: the run fails, or their records are replaced."""


class OutputSettings(Section):
    """Where the enriched corpus goes."""

    uri: str
    """A directory; a path, ``s3://`` or ``gs://``."""
