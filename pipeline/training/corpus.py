"""Parquet files of training data, read into tables whose columns are known to be there.

Enters: a file or folder. Leaves: an Arrow table with the columns asked for.
Holds: a missing file, column or language is an InputError, before any training starts.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import InputError

TEXT_COLUMNS = ("text", "language")
NER_COLUMNS = ("tokens", "tags", "spaces", "language", "split", "source")
CLASSIFICATION_COLUMNS = ("text", "label", "language", "split")
IDENTIFIER_COLUMNS = ("text", "language", "split")
TRANSLATION_COLUMNS = ("text", "language", "group")
RETRIEVAL_COLUMNS = ("text", "english", "language")


def read_corpus(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read `columns` of the Parquet file or folder at `path`."""
    if not path.exists():
        raise InputError(f"No training data at {path}. Set data in the config to a Parquet file.")
    present = pq.ParquetDataset(path).schema.names
    missing = [column for column in columns if column not in present]
    if missing:
        raise InputError(f"{path} lacks the columns {missing}; it has {present}.")
    return pq.read_table(path, columns=list(columns))


def of_languages(table: pa.Table, languages: Sequence[str], path: Path) -> pa.Table:
    """Rows in `languages`, each of which must occur; `path` is named in the error."""
    absent = sorted(set(languages) - set(table["language"].unique().to_pylist()))
    if absent:
        raise InputError(f"{path} has no rows in {absent}. Take them out of languages.")
    return table.filter(pc.is_in(table["language"], pa.array(list(languages), pa.string())))


def of_split(table: pa.Table, split: str) -> pa.Table:
    """Rows of one split."""
    return table.filter(pc.equal(table["split"], split))


def of_language(table: pa.Table, language: str) -> pa.Table:
    """Rows of one language."""
    return table.filter(pc.equal(table["language"], language))


def capped(table: pa.Table, most: int, seed: int) -> pa.Table:
    """At most `most` rows of each language, drawn with `seed`, in their order."""
    generator = np.random.default_rng(seed)
    languages = table["language"].unique().to_pylist()
    parts = [of_language(table, language) for language in languages]
    return pa.concat_tables(
        part.take(np.sort(generator.permutation(len(part))[:most])) for part in parts
    )
