"""Training data, read into tables whose columns are known to be there.

A missing file, column or language is an InputError, before any training starts.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpus.input_schema import refuse_extensions
from pipeline.errors import InputError
from pipeline.language.routing import Routed, from_tag
from pipeline.training.column_files import read_file
from pipeline.training.settings import DataFile

TEXT_COLUMNS = ("text", "language")

Data = Path | Sequence[DataFile]


def read_labelled(data: Data, columns: Sequence[str], optional: Sequence[str] = ()) -> pa.Table:
    """`columns`, language and split of Parquet or of column files, and `optional` ones if there."""
    if isinstance(data, Path):
        return read_corpus(data, (*columns, "language", "split"), optional)
    return pa.concat_tables((read_file(one, columns) for one in data), promote_options="default")


def read_corpus(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> pa.Table:
    """Read `columns` of the Parquet file or folder at `path`, and `optional` ones if there."""
    if not path.exists():
        raise InputError(f"No training data at {path}. Set data in the config to a Parquet file.")
    try:
        present = pq.ParquetDataset(path).schema
    except Exception as error:  # whatever a registered extension type raises, as well
        raise InputError(
            f"{path} is no Parquet: {type(error).__name__}. Give files of other kinds as a list."
        ) from error
    missing = [column for column in columns if column not in present.names]
    if missing:
        raise InputError(
            f"{path} lacks the columns {missing}; it has {present.names}. Rename its columns, or "
            "set data to another file; docs/training.md says what each task needs."
        )
    wanted = [*columns, *(name for name in optional if name in present.names)]
    for name in wanted:
        refuse_extensions(present.field(name), str(path))
    return pq.read_table(path, columns=wanted)


def with_codes(table: pa.Table, languages: Sequence[str]) -> pa.Table:
    """The table with X-MOD codes of `languages` for the tags in its columns of languages.

    Tags are read as in annotating: `de`, `deu`, `German`, `zh` by the script of the text.
    """
    for name in (name for name in table.column_names if name.endswith("language")):
        words = table["translation" if name == "translation_language" else _text_of(table)]
        pairs = zip(table[name].to_pylist(), words.to_pylist(), strict=True)
        codes = [code_of(tag, languages, "".join(text or "")) for tag, text in pairs]
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(codes, pa.string()))
    return table


def code_of(tag: str | None, languages: Sequence[str], text: str = "") -> str | None:
    """The one of `languages` that serves `tag`; the tag where none does."""
    if tag is None or tag in languages:
        return tag
    route = from_tag(tag, text, tuple(languages))
    return route.xmod_language if isinstance(route, Routed) else tag


def _text_of(table: pa.Table) -> str:
    """The column with the text, or its words."""
    return next((name for name in ("text", "tokens") if name in table.column_names), "language")


def of_languages(table: pa.Table, languages: Sequence[str], data: Data) -> pa.Table:
    """Rows in `languages`, each of which must occur; `data` is named in the error."""
    absent = sorted(set(languages) - set(table["language"].unique().to_pylist()))
    if absent:
        where = data if isinstance(data, Path) else ", ".join(str(one.path) for one in data)
        raise InputError(f"{where} has no rows in {absent}. Take them out of languages.")
    return table.filter(pc.is_in(table["language"], pa.array(list(languages), pa.string())))


def of_split(table: pa.Table, split: str) -> pa.Table:
    """Rows of one split."""
    return table.filter(pc.equal(table["split"], split))


def of_language(table: pa.Table, language: str) -> pa.Table:
    """Rows of one language."""
    return table.filter(pc.equal(table["language"], language))


def capped(table: pa.Table, most: int, seed: int | None = None) -> pa.Table:
    """At most `most` rows of each language, in their order: drawn with `seed`, or the first."""
    generator = np.random.default_rng(seed)
    taken = []
    for language in table["language"].unique().to_pylist():
        part = of_language(table, language)
        drawn = generator.permutation(len(part)) if seed is not None else np.arange(len(part))
        taken.append(part.take(np.sort(drawn[:most])))
    return pa.concat_tables(taken or [table])
