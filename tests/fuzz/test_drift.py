"""A corpus whose second file differs from the first: each kind of drift passes or is named."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract.schema import RESERVED
from pipeline.corpus.input_schema import input_columns
from pipeline.corpus.survey import cut, survey_corpus
from pipeline.errors import InputError
from pipeline.output.parts import published
from pipeline.stages.read import read_unit
from tests.helpers.parquet_files import MAX_BYTES, raw_strings, units_of, write

ROWS = 3
FIRST = {
    "id": pa.array([1, 2, 3], pa.int64()),
    "text": pa.array(["a", "b", "c"]),
    "n": pa.array([1, 2, 3], pa.int32()),
    "at": pa.array([0, 1000, 2000], pa.timestamp("us", "UTC")),
    "tags": pa.array([["x"], [], None]),
    "place": pa.array([{"x": 1.0}] * ROWS),
}


def changed(**columns: pa.Array | None) -> dict[str, pa.Array]:
    """The first file's columns with others in their place; None takes one away."""
    return {name: values for name, values in (FIRST | columns).items() if values is not None}


NAMED = {
    "column gone": (changed(n=None), "n: missing, expected int32"),
    "column more": (changed(extra=pa.array([True] * ROWS)), "extra: bool, expected no such"),
    "column renamed": (changed(n=None, N=FIRST["n"]), "N: int32, expected no such"),
    "wider integer": (changed(n=FIRST["n"].cast(pa.int64())), "n: int64, expected int32"),
    "integer to string": (changed(n=FIRST["n"].cast(pa.string())), "n: string, expected int32"),
    "integer to float": (changed(n=FIRST["n"].cast(pa.float32())), "n: float, expected int32"),
    "all null": (changed(n=pa.nulls(ROWS)), "n: null, expected int32"),
    "other unit of time": (
        changed(at=FIRST["at"].cast(pa.timestamp("ms", "UTC"))),
        r"at: timestamp\[ms, tz=UTC\], expected timestamp\[us",
    ),
    "zone gone": (changed(at=FIRST["at"].cast(pa.timestamp("us"))), r"at: timestamp\[us\]"),
    "list of another type": (changed(tags=pa.array([[1], [], None])), "tags: list<element: int64>"),
    "field of a struct more": (
        changed(place=pa.array([{"x": 1.0, "y": 2.0}] * ROWS)),
        "place: struct<x: double, y: double>",
    ),
    "text of another string type": (
        changed(text=FIRST["text"].cast(pa.large_string())),
        "text: large_string, expected string",
    ),
    "text gone": (changed(text=None), "no column 'text'"),
    "text a number": (changed(text=FIRST["n"]), "text"),
    "id gone": (changed(id=None), "no column 'id'"),
    "id of another type": (changed(id=FIRST["n"]), "id: int32, expected int64"),
}
PASSES = {
    "columns in another order": dict(reversed(FIRST.items())),
    "text not UTF-8 in a row": changed(text=raw_strings([b"a", b"\xff", None])),
    "no rows": {name: values[:0] for name, values in FIRST.items()},
}


def corpus_of(folder: Path, second: dict[str, pa.Array]) -> InputSettings:
    write(folder / "a.parquet", FIRST)
    write(folder / "b.parquet", second)
    return InputSettings(uri=str(folder), id_column="id")


@pytest.mark.parametrize("kind", NAMED)
def test_drift_that_changes_what_is_read_is_named(tmp_path: Path, kind: str):
    second, message = NAMED[kind]
    settings = corpus_of(tmp_path, second)
    with pytest.raises(InputError, match=message) as caught:
        survey_corpus(settings, allow_bad_files=False)
    assert "b.parquet" in str(caught.value)
    survey = survey_corpus(settings, allow_bad_files=True)
    assert [Path(bad.source.uri).name for bad in survey.bad_files] == ["b.parquet"]


@pytest.mark.parametrize("kind", PASSES)
def test_drift_that_changes_nothing_is_read(tmp_path: Path, kind: str):
    settings = corpus_of(tmp_path, PASSES[kind])
    survey = survey_corpus(settings, allow_bad_files=False)
    columns = input_columns(survey.planned, settings, RESERVED)
    blocks = [
        read_unit(unit, columns, settings, MAX_BYTES) for unit in units_of(tmp_path, settings)
    ]
    assert sum(map(len, blocks)) == sum(len(PASSES[kind]["text"]) for _ in "b") + ROWS
    assert len({str(block.schema) for block in blocks}) == 1


def struct_of(**types: pa.Field) -> pa.DataType:
    return pa.struct([field.with_name(name) for name, field in types.items()])


NUMBER, SURE = pa.field("item", pa.int64()), pa.field("item", pa.int64(), nullable=False)
KINDS = {
    "string": pa.field("x", pa.string()),
    "string not null": pa.field("x", pa.string(), nullable=False),
    "string with notes": pa.field("x", pa.string(), metadata={"PARQUET:field_id": "7"}),
    "large string": pa.field("x", pa.large_string()),
    "string view": pa.field("x", pa.string_view()),
    "dictionary": pa.field("x", pa.dictionary(pa.int32(), pa.string())),
    "ordered dictionary": pa.field("x", pa.dictionary(pa.int32(), pa.string(), ordered=True)),
    "binary": pa.field("x", pa.binary()),
    "int32": pa.field("x", pa.int32()),
    "int64": pa.field("x", pa.int64()),
    "int64 not null": pa.field("x", pa.int64(), nullable=False),
    "null": pa.field("x", pa.null()),
    "decimal 9": pa.field("x", pa.decimal128(9, 2)),
    "decimal 12": pa.field("x", pa.decimal128(12, 2)),
    "milliseconds": pa.field("x", pa.timestamp("ms")),
    "microseconds": pa.field("x", pa.timestamp("us")),
    "UTC": pa.field("x", pa.timestamp("us", "UTC")),
    "Berlin": pa.field("x", pa.timestamp("us", "Europe/Berlin")),
    "list": pa.field("x", pa.list_(NUMBER)),
    "list of elements": pa.field("x", pa.list_(NUMBER.with_name("element"))),
    "list not null": pa.field("x", pa.list_(SURE), nullable=False),
    "large list": pa.field("x", pa.large_list(NUMBER)),
    "struct": pa.field("x", struct_of(a=NUMBER, b=NUMBER)),
    "struct of not null": pa.field("x", struct_of(a=SURE, b=SURE)),
    "struct in another order": pa.field("x", struct_of(b=NUMBER, a=NUMBER)),
    "struct of more": pa.field("x", struct_of(a=NUMBER, b=NUMBER, c=NUMBER)),
    "map": pa.field("x", pa.map_(pa.string(), NUMBER)),
    "map of not null": pa.field("x", pa.map_(pa.string(), SURE)),
    "deep": pa.field("x", pa.list_(struct_of(a=pa.field("a", pa.list_(SURE), nullable=False)))),
    "deep null": pa.field("x", pa.list_(struct_of(a=pa.field("a", pa.list_(NUMBER))))),
}
ALIKE = (
    {"string", "string not null", "string with notes", "string view"},
    {"int64", "int64 not null"},
    {"list", "list of elements", "list not null"},
    {"struct", "struct of not null"},
    {"map", "map of not null"},
    {"deep", "deep null"},
)


def column_of(field: pa.Field) -> pa.Table:
    """A value, and a null where the schema has room for one."""
    values = {pa.types.is_list: [], pa.types.is_struct: {"a": 1, "b": 2}, pa.types.is_map: []}
    value = next((one for check, one in values.items() if check(field.type)), None)
    rows = [value if value is not None or field.nullable else 1, None]
    if pa.types.is_string(field.type):
        rows[0] = "a"
    if not field.nullable:
        rows[1] = rows[0]
    schema = pa.schema([pa.field("text", pa.string()), field])
    return pa.table([["a", "b"], pa.array(rows, field.type)], schema)


@pytest.mark.parametrize("first", KINDS)
def test_two_types_of_a_column_are_read_as_one_or_named(tmp_path: Path, first: str):
    for second in KINDS:
        folder = tmp_path / second
        write(folder / "a.parquet", column_of(KINDS[first]))
        write(folder / "b.parquet", column_of(KINDS[second]))
        settings = InputSettings(uri=str(folder))
        survey = survey_corpus(settings, allow_bad_files=True)
        alike = first == second or any({first, second} <= kinds for kinds in ALIKE)
        assert [bad.source.uri[-9:] for bad in survey.bad_files] == ["b.parquet"] * (not alike)
        assert all("other columns than most" in bad.reason for bad in survey.bad_files)
        columns = input_columns(survey.planned, settings, RESERVED)
        units = cut(survey, RuntimeSettings(), "f", None)
        blocks = [read_unit(unit, columns, settings, MAX_BYTES) for unit in units]
        declared = pa.schema([field for field in columns.fields if field.name == "x"])
        for block in blocks:
            sink = pa.BufferOutputStream()
            pq.write_table(published(block.select(["x"]), declared), sink)
            assert pq.read_schema(pa.BufferReader(sink.getvalue())).equals(declared)


def test_file_of_ten_thousand_columns_is_read_for_those_that_are_kept(tmp_path: Path):
    columns = {f"c{number:05}": pa.array([number, None]) for number in range(10_000)}
    path = write(tmp_path / "a.parquet", {"text": pa.array(["a", "b"]), **columns})
    settings = InputSettings(uri=str(path), keep_columns=["c00007"])
    (unit,) = units_of(path, settings)
    survey = survey_corpus(settings, allow_bad_files=False)
    block = read_unit(unit, input_columns(survey.planned, settings, RESERVED), settings, MAX_BYTES)
    assert block["c00007"].to_pylist() == [7, None]
    assert len(block.column_names) < 20


@pytest.mark.parametrize("group_rows", [1, 2])
def test_file_whose_row_groups_are_small_or_empty_gives_each_row(tmp_path: Path, group_rows: int):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"t{row}" for row in range(5)]})
    with pq.ParquetWriter(path, table.schema) as writer:
        for start in range(0, 5, group_rows):
            writer.write_table(table.slice(0, 0))
            writer.write_table(table.slice(start, group_rows))
    settings = InputSettings(uri=str(path))
    survey = survey_corpus(settings, allow_bad_files=False)
    columns = input_columns(survey.planned, settings, RESERVED)
    blocks = [read_unit(unit, columns, settings, MAX_BYTES) for unit in units_of(path, settings, 2)]
    assert [text for block in blocks for text in block["_text"].to_pylist()] == table[
        "text"
    ].to_pylist()
