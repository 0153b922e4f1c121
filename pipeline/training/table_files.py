"""Tables in files, by the ending of their names; any but Parquet may be gzipped (`.gz`).

CSV has quotes, which may hold commas and line breaks. In TSV quotes are characters like others, as
in most corpora. Cells are text, and an empty one is null. JSON has one object a line. A folder
holds Parquet, or what `Dataset.save_to_disk` of Hugging Face's `datasets` wrote: Arrow streams.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.json as arrow_json
import pyarrow.parquet as pq
from pyarrow import csv

from pipeline.corpus.input_schema import refuse_extensions
from pipeline.errors import InputError
from pipeline.training.class_names import with_class_names

DATASET_STATE = "state.json"
"""In a folder that `Dataset.save_to_disk` wrote."""

_TEXTS = {"text", "question", "translation", "translation_language"}
_LISTS = {"tokens", "tags", "spaces", "choices"}
_BLOCK_BYTES = 1 << 26
"""A line may not be longer."""


@dataclass(frozen=True)
class TableFile:
    """A table whose columns are read when they are asked for."""

    schema: pa.Schema
    """The metadata may have names of classes."""
    read: Callable[[list[str]], pa.Table]


def read_corpus(
    path: Path,
    columns: Sequence[str],
    optional: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> pa.Table:
    """`columns` of the file or folder at `path`, and `optional` ones if there; texts as strings.

    `names` are those that the file has for them, where they are others; None: the config has no key
    for them. Numbers that Hugging Face's `datasets` has names for become these. Raises InputError
    where the file or a column cannot be used.
    """
    if not path.exists():
        raise InputError(f"No training data at {path}. Check data in the config.")
    kind, opened = _kind(path)
    with _refused(path, kind):
        file = opened(path)
    own = {name: (names or {}).get(name, name) for name in (*columns, *optional)}
    _require_columns(path, file.schema.names, {name: own[name] for name in columns}, names)
    own = {name: one for name, one in own.items() if one in file.schema.names}
    for one in own.values():
        refuse_extensions(file.schema.field(one), str(path))
    with _refused(path, kind):
        read = file.read(list(dict.fromkeys(own.values())))
    table = pa.table({name: read[one] for name, one in own.items()})
    table = with_class_names(table, file.schema.metadata, own)
    for place, name in enumerate(table.column_names):
        table = table.set_column(place, name, _typed(table, name, f"{path}: column {own[name]!r}"))
    return table


def is_table(path: Path) -> bool:
    """Whether the name of `path` says that it is a table."""
    return path.is_dir() or _ending(path) in _KINDS


def _require_columns(
    path: Path, present: Sequence[str], needed: Mapping[str, str], names: Mapping[str, str] | None
) -> None:
    missing = {name: one for name, one in needed.items() if one not in present}
    if missing:
        keys = ", ".join(f"{name}: …" for name in missing)
        hint = f"Set columns: {{{keys}}} in the config" if names is not None else "Rename some"
        given = " and ".join(name for name in missing if name in ("language", "split"))
        raise InputError(
            f"{path} lacks the columns {list(missing.values())}; it has {list(present)}. "
            f"{hint}{f', or {given} for all rows' * bool(given)}; docs/training.md says what each "
            "task needs."
        )
    doubled = [one for one in needed.values() if present.count(one) > 1]
    if doubled:
        raise InputError(f"{path} has several columns of the name {doubled[0]!r}. Rename them.")


def _typed(table: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    """The column, as strings where it has texts or classes."""
    column = table[name]
    held = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    strings = pa.types.is_large_string(held) or pa.types.is_string_view(held)
    strings = strings or pa.types.is_string(held) or pa.types.is_null(held)
    if name in _LISTS and strings and held != pa.null():
        raise InputError(f"{where} has text; {name} are lists. Give JSON Lines or Parquet.")
    is_class = name == "label" and "choices" not in table.column_names
    if (is_class and pa.types.is_nested(held)) or (name in _TEXTS and not strings):
        expected = "strings, numbers or booleans" if is_class else "strings"
        raise InputError(f"{where} has values of type {held}; expected {expected}.")
    return column.cast(pa.string()) if is_class or name in _TEXTS else column


def _parquet(path: Path) -> TableFile:
    return TableFile(pq.ParquetDataset(path).schema, partial(_parquet_columns, path))


def _parquet_columns(path: Path, columns: list[str]) -> pa.Table:
    return pq.read_table(path, columns=columns)


def _cells(path: Path, parsing: csv.ParseOptions) -> TableFile:
    reading = csv.ReadOptions(block_size=_BLOCK_BYTES)
    with csv.open_csv(path, reading, parsing) as reader:
        names = reader.schema.names

    def read(columns: list[str]) -> pa.Table:
        converting = csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            strings_can_be_null=True,
            null_values=[""],
        )
        return csv.read_csv(path, reading, parsing, converting)

    return TableFile(pa.schema([(name, pa.string()) for name in names]), read)


def _json_lines(path: Path) -> TableFile:
    table = arrow_json.read_json(path, arrow_json.ReadOptions(block_size=_BLOCK_BYTES))
    return TableFile(table.schema, table.select)


def _saved_dataset(path: Path) -> TableFile:
    state = json.loads((path / DATASET_STATE).read_bytes())
    files = [path / Path(one["filename"]).name for one in state["_data_files"]]
    streams = [pa.ipc.open_stream(pa.memory_map(str(file))) for file in files]
    info = b'{"info": %b}' % (path / "dataset_info.json").read_bytes()
    schema = streams[0].schema.with_metadata({b"huggingface": info})
    return TableFile(
        schema,
        lambda columns: pa.concat_tables([one.read_all().select(columns) for one in streams]),
    )


_PARQUET = "Parquet", _parquet
_JSON_LINES = "JSON with an object a line", _json_lines
_KINDS: dict[str, tuple[str, Callable[[Path], TableFile]]] = {
    ".parquet": _PARQUET,
    ".csv": (
        "CSV in UTF-8 with a header and as many cells in each line",
        partial(_cells, parsing=csv.ParseOptions(newlines_in_values=True)),
    ),
    ".tsv": (
        "TSV in UTF-8 with a header and as many cells in each line",
        partial(_cells, parsing=csv.ParseOptions(delimiter="\t", quote_char=False)),
    ),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".json": _JSON_LINES,
}


def _kind(path: Path) -> tuple[str, Callable[[Path], TableFile]]:
    if (path / DATASET_STATE).is_file():
        return "folder of save_to_disk", _saved_dataset
    return _KINDS.get(_ending(path), _PARQUET)


def _ending(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


@contextmanager
def _refused(path: Path, kind: str) -> Iterator[None]:
    """Errors without Arrow's own messages, which have rows in them: text stays out of logs."""
    try:
        yield
    except Exception as error:  # whatever a registered extension type raises, as well
        raise InputError(
            f"{path} is no {kind}: {type(error).__name__}. Files are read by their endings: "
            f"{', '.join(_KINDS)} (all but Parquet may be .gz); others as CoNLL for task ner, "
            "else as Parquet."
        ) from error
