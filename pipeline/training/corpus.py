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
from pipeline.training.class_names import with_class_names
from pipeline.training.column_files import read_file
from pipeline.training.data_settings import UNDRAWN, Assumed, DataFile

TEXT_COLUMNS = ("text", "language")

Data = Path | Sequence[DataFile]

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
    """`columns`, language and split of Parquet or of other files, and `optional` ones if there.

    Languages and splits that are not there are as `assumed`.
    """
    files = [DataFile(path=data)] if isinstance(data, Path) else data
    whole = isinstance(data, Path)
    tables = (_read(one, columns, optional, assumed, parquet=whole) for one in files)
    return pa.concat_tables(tables, promote_options="default")


def read_corpus(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> pa.Table:
    """Read `columns` of the Parquet file or folder at `path`, and `optional` ones if there.

    Numbers that Hugging Face's `datasets` has names for become these.
    """
    if not path.exists():
        raise InputError(f"No training data at {path}. Set data in the config to a Parquet file.")
    try:
        schema = pq.ParquetDataset(path).schema
    except Exception as error:  # whatever a registered extension type raises, as well
        raise InputError(
            f"{path} is no Parquet: {type(error).__name__}. Give files of other kinds as a list."
        ) from error
    present = schema.names
    missing = [column for column in columns if column not in present]
    if missing:
        given = [name for name in missing if name in ("language", "split")]
        hint = f"set {' and '.join(given)} in the config, " if given else ""
        raise InputError(
            f"{path} lacks the columns {missing}; it has {present}. Rename its columns, {hint}or "
            "set data to another file; docs/training.md says what each task needs."
        )
    wanted = [*columns, *(name for name in optional if name in present)]
    for name in wanted:
        refuse_extensions(schema.field(name), str(path))
    return with_class_names(pq.read_table(path, columns=wanted), schema.metadata)


def with_drawn_dev(table: pa.Table, share: float, seed: int) -> pa.Table:
    """The table with the split train or dev for rows without one: `share` of each language's."""
    splits = np.array(table["split"].to_pylist(), dtype=object)
    languages = np.array(table["language"].to_pylist(), dtype=object)
    generator = np.random.default_rng(seed)
    for language in sorted(set(languages[splits == UNDRAWN])):
        rows = np.flatnonzero((splits == UNDRAWN) & (languages == language))
        splits[rows] = "train"
        splits[generator.permutation(rows)[: max(1, round(share * len(rows)))]] = "dev"
    place = table.column_names.index("split")
    return table.set_column(place, "split", pa.array(splits.tolist(), pa.string()))


def _read(
    file: DataFile,
    columns: Sequence[str],
    optional: Sequence[str],
    assumed: Assumed,
    *,
    parquet: bool,
) -> pa.Table:
    said = {
        "language": file.language or assumed.language,
        "split": file.split or assumed.split,
    }
    if parquet or file.path.is_dir() or file.path.name.endswith(".parquet"):
        needed = [name for name, value in said.items() if value is None]
        rest = [name for name in said if name not in needed]
        table = read_corpus(file.path, (*columns, *needed), (*optional, *rest))
    else:
        table = read_file(file, columns)
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
