"""Where labelled rows are, and what they are where the files do not say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.section import Section

UNDRAWN = "undrawn"
"""The split of rows whose data have none, until it is drawn."""

Split = Literal["train", "dev", "test"]


class DataFile(Section):
    """A file whose language or split the config says: Parquet, TSV with a header, or CoNLL."""

    path: Path
    """A `.parquet` file or a folder of them, a `.tsv` file, or CoNLL (for NER)."""
    language: str | None = None
    """Language of all its rows; null: Parquet's own column, or the task's `language`."""
    split: Split | None = None
    """Split of all its rows; null: Parquet's own column, or as for data without one."""
    token_column: int = 0
    """CoNLL: the place of the word in a line, counted from 0."""
    tag_column: int = -1
    """CoNLL: the place of the tag; -1 is the last."""
    spaces: bool = True
    """CoNLL without its text: whether there are spaces between words, as Chinese has not."""


LabelledData = Path | Annotated[tuple[DataFile, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Assumed:
    """What rows are whose data do not say; None: the data must."""

    language: str | None = None
    split: str | None = None
