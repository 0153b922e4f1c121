"""Where labelled rows are, and what they are where the files do not say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.section import Section

UNDRAWN = "undrawn"
"""The split of rows whose data have none, until it is drawn."""

Split = Literal["train", "dev", "test"]


class DataFile(Section):
    """A file or folder whose language or split the config says."""

    path: Path
    """`.parquet` or a folder of them, `.csv`, `.tsv`, `.jsonl`, a folder of `save_to_disk` of
    Hugging Face's `datasets`, or CoNLL (for NER); `.gz` beside but Parquet."""
    language: str | None = None
    """Language of all its rows; null: the file's own column, or the task's `language`."""
    split: Split | None = None
    """Split of all its rows; null: the file's own column, or as for data without one."""
    token_column: int = 0
    """CoNLL: the place of the word in a line, counted from 0."""
    tag_column: int = -1
    """CoNLL: the place of the tag; -1 is the last."""
    spaces: bool = True
    """CoNLL without its text: whether there are spaces between words, as Chinese has not."""


LabelledData = Path | Annotated[tuple[DataFile, ...], Field(min_length=1)]
Data = Path | Sequence[DataFile]
Columns = Mapping[str, str]
"""The task's name of a column to the data's."""


@dataclass(frozen=True)
class Assumed:
    """What rows are whose data do not say; None: the data must."""

    language: str | None = None
    split: str | None = None
    columns: Columns = field(default_factory=dict)
    """Those whose name in the data is another."""
