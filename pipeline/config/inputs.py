"""Sections ``input`` and ``output``."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from pipeline.config.section import Section


class Missing(StrEnum):
    """What to do with records of an input file that no longer exists."""

    KEEP = "keep"
    REMOVE = "remove"
    FAIL = "fail"


class Changed(StrEnum):
    """What to do where an input file has changed since it was annotated."""

    FAIL = "fail"
    REPLACE = "replace"


class InputSettings(Section):
    """The corpus and its columns."""

    uri: str
    """Path of a Parquet file, a directory or a glob; local, ``s3://`` or ``gs://``."""
    text_column: str = "text"
    """Column with the text to annotate, of any string type."""
    id_column: str | None = None
    """Column that becomes ``record_id``; null: made from file name and row number."""
    language_column: str | None = None
    """Column with each record's language: codes, tags or English names; null: all are detected."""
    language_prior_column: str | None = None
    """Column with a record's likely languages: a string such as ``de, fr``, or a list."""
    question_column: str | None = None
    """Column with each record's question, for question answering without ``question``."""
    choices_column: str | None = None
    """Column with each record's list of choices, for multiple choice without ``choices``."""
    second_text_column: str | None = None
    """Column with each record's second text, for classification and regression of pairs without
    ``second_text``."""
    keep_columns: Literal["all"] | tuple[str, ...] = "all"
    """Input columns to copy to the output: ``all``, or a list."""
    max_text_bytes: int = Field(default=1 << 20, gt=0)
    """Maximum bytes of a text with its question and choices or second text; larger records go to
    quarantine."""
    missing: Missing = Missing.KEEP
    """Records of input files that no longer exist: keep them, remove them, or fail."""
    changed: Changed = Changed.FAIL
    """Input files whose content changed: fail, or replace their records."""


class OutputSettings(Section):
    """The enriched corpus."""

    uri: str
    """Path of the output directory; local, ``s3://`` or ``gs://``."""
