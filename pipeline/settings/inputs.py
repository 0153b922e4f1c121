"""Where the corpus is, what its columns are called, and where the output goes."""

from typing import Literal

from pydantic import Field

from pipeline.config import Section


class InputSettings(Section):
    """The corpus: a Parquet file, a directory of them, or a glob."""

    uri: str
    text_column: str = "text"
    id_column: str | None = None
    language_column: str | None = None
    language_prior_column: str | None = None
    question_column: str | None = None
    choices_column: str | None = None
    keep_columns: Literal["all"] | tuple[str, ...] = "all"
    max_text_bytes: int = Field(default=1 << 20, gt=0)


class OutputSettings(Section):
    """Where the enriched corpus goes."""

    uri: str
