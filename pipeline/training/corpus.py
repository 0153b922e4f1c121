"""Training data, read into tables whose columns are known to be there.

A missing file, column or language is an InputError, before any training starts.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ConfigError, InputError
from pipeline.language.routing import Routed, from_tag
from pipeline.training.conll import read_conll
from pipeline.training.data_settings import UNDRAWN, Assumed, Columns, Data, DataFile
from pipeline.training.table_files import DATASET_STATE, is_table, read_corpus

logger = logging.getLogger(__name__)

TEXT_COLUMNS = ("text", "language")

_SPLITS = {"training": "train", "testing": "test"} | dict.fromkeys(
    ("validation", "valid", "val", "development"), "dev"
)
"""Other names of splits."""


def read_labelled(
    data: Data,
    columns: Sequence[str],
    optional: Sequence[str] = (),
    assumed: Assumed = Assumed(),  # noqa: B008 - it is frozen
) -> pa.Table:
    """`columns`, language and split of `data`, and `optional` ones if there.

    Languages and splits that are not there, and the names of columns, are as `assumed`.
    """
    known = (*columns, *optional, "language", "split")
    unknown = sorted(set(assumed.columns) - set(known))
    if unknown:
        raise ConfigError(
            f"columns in the config has the keys {unknown}; this task reads {list(known)}. Each "
            "key is one of these, and its value the name that the data have for it."
        )
    files = [DataFile(path=data)] if isinstance(data, Path) else data
    tables = [_read(one, columns, optional, assumed) for file in files for one in _parts(file)]
    return pa.concat_tables(tables, promote_options="permissive")


def require_values(table: pa.Table, columns: Sequence[str], names: Columns, data: Data) -> None:
    """Raise InputError where a row has none in one of `columns`; `data` is named in it."""
    for column in columns:
        if missing := table[column].null_count:
            raise InputError(
                f"{missing} of {table.num_rows} rows have no {column} (column "
                f"{names.get(column, column)!r} of {_paths(data)}): null, an empty cell, or -1 for "
                "a class. Take them out, or fill it in."
            )


def with_drawn_dev(table: pa.Table, share: float, seed: int) -> pa.Table:
    """The table with the split train or dev for rows without one: `share` of each language's.

    Where no row is dev, they are drawn of the train rows.
    """
    splits = np.array(table["split"].to_pylist(), dtype=object)
    if "dev" not in splits:
        splits[splits == "train"] = UNDRAWN
    languages = np.array(table["language"].to_pylist(), dtype=object)
    generator = np.random.default_rng(seed)
    for language in sorted(set(languages[splits == UNDRAWN])):
        rows = np.flatnonzero((splits == UNDRAWN) & (languages == language))
        splits[rows] = "train"
        splits[generator.permutation(rows)[: max(1, round(share * len(rows)))]] = "dev"
    place = table.column_names.index("split")
    return table.set_column(place, "split", pa.array(splits.tolist(), pa.string()))


def _parts(file: DataFile) -> list[DataFile]:
    """The splits in a folder of `DatasetDict.save_to_disk`, by their names; else the file."""
    folders = sorted(state.parent for state in file.path.glob(f"*/{DATASET_STATE}"))
    return [
        file.model_copy(update={"path": folder, "split": file.split or folder.name})
        for folder in folders
    ] or [file]


def _read(
    file: DataFile, columns: Sequence[str], optional: Sequence[str], assumed: Assumed
) -> pa.Table:
    said = {
        "language": file.language or assumed.language,
        "split": file.split or assumed.split,
    }
    if "tokens" in columns and not is_table(file.path):
        table = read_conll(file)
    else:
        needed = [name for name, value in said.items() if value is None or name in assumed.columns]
        rest = [name for name in said if name not in needed]
        names = assumed.columns
        table = read_corpus(file.path, (*columns, *needed), (*optional, *rest), names)
    for name, value in said.items():
        table = _filled(table, name, value, file)
    return table


def _filled(table: pa.Table, name: str, value: str | None, file: DataFile) -> pa.Table:
    """The table with strings in the column `name`: the file's own, else the given `value`."""
    nulls = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    found = table[name].cast(pa.string()) if name in table.column_names else nulls
    said = getattr(file, name)
    found = pa.chunked_array([[said] * table.num_rows], pa.string()) if said else found
    if value is not None:
        found = found.fill_null(value)
    elif found.null_count:
        raise InputError(
            f"{found.null_count} rows of {file.path} have no {name}. Set {name} in the config."
        )
    if name == "split":
        names = [_SPLITS.get(split, split) for split in found.to_pylist()]
        found = pa.chunked_array([names], pa.string())
    rest = table.drop_columns([name]) if name in table.column_names else table
    return rest.append_column(name, found)


def with_codes(table: pa.Table, languages: Sequence[str]) -> pa.Table:
    """The table with X-MOD codes of `languages` for the tags in its columns of languages.

    Tags are read as in annotating: `de`, `deu`, `German`, `zh` by the script of the text.
    """
    for name in (name for name in table.column_names if name.endswith("language")):
        words = table["translation" if name == "translation_language" else _text_of(table)]
        pairs = zip(table[name].to_pylist(), words.to_pylist(), strict=True)
        codes = [tag and code_of(tag, languages, "".join(text or "")) for tag, text in pairs]
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(codes, pa.string()))
    return table


def code_of(tag: str, languages: Sequence[str], text: str = "") -> str:
    """The one of `languages` that serves `tag`; the tag where none does."""
    if tag in languages:
        return tag
    route = from_tag(tag, text, tuple(languages))
    return (route.xmod_language or tag) if isinstance(route, Routed) else tag


def trained_code(tag: str, languages: Sequence[str]) -> str:
    """The one of `languages` that `tag` means; a code with a region, such as bs_BA, is its own."""
    return tag if "_" in tag else code_of(tag, languages)


def _text_of(table: pa.Table) -> str:
    """The column with the text, or its words."""
    return next((name for name in ("text", "tokens") if name in table.column_names), "language")


def of_languages(table: pa.Table, languages: Sequence[str], data: Data) -> pa.Table:
    """Rows in `languages`, each of which must occur; `data` is named in the error."""
    absent = sorted(set(languages) - set(table["language"].unique().to_pylist()))
    if absent:
        raise InputError(f"{_paths(data)} has no rows in {absent}. Take them out of languages.")
    return table.filter(pc.is_in(table["language"], pa.array(list(languages), pa.string())))


def tell_left_out(table: pa.Table, languages: Sequence[str]) -> None:
    """Log which languages of the rows are not among `languages`, so that nobody misses them."""
    left = pc.value_counts(table.filter(_outside(table, languages))["language"]).to_pylist()
    if left:
        counts = sorted((str(one["values"]), one["counts"]) for one in left)
        logger.info(
            "rows left out, as languages in the config does not name theirs: %s",
            ", ".join(f"{language} {count}" for language, count in counts),
        )


def _outside(table: pa.Table, languages: Sequence[str]) -> pa.ChunkedArray:
    return pc.invert(pc.is_in(table["language"], pa.array(list(languages), pa.string())))


def _paths(data: Data) -> str:
    return str(data) if isinstance(data, Path) else ", ".join(str(one.path) for one in data)


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
