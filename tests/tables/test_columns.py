"""Schemas of the tables: what they refuse, how they grow, and that the docs tell all of them."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import SchemaError
from pipeline.tables.columns import SCHEMAS, TABLES, conformed, document_names, grown, plain_field

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"


def documented(table: str) -> list[tuple[str, str]]:
    """Names and types below the heading of ``table``."""
    section = DOCS.read_text(encoding="utf-8").partition(f"\n### {table}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, re.MULTILINE)


@pytest.mark.parametrize("table", TABLES)
def test_docs_tell_every_column_of_every_table_with_its_type(table: str):
    assert documented(table) == [(field.name, str(field.type)) for field in SCHEMAS[table]]


def test_document_names_are_apart_from_those_of_the_table():
    names = document_names(["outlet", "date", "source", "date_group"])
    assert names == {
        "outlet": "outlet",
        "date": "input_date",
        "source": "input_source",
        "date_group": "input_date_group",
    }


def test_document_names_are_apart_whatever_their_case():
    assert document_names(["Date", "FILE"]) == {"Date": "input_Date", "FILE": "input_FILE"}


@pytest.mark.parametrize(
    "columns",
    [
        [("Author", pa.string()), ("author", pa.string())],
        [("a.b", pa.string()), ("a", pa.struct([("B", pa.string())]))],
        [("", pa.string())],
        [("a", pa.list_(pa.struct([("", pa.string())])))],
        [("a", pa.struct([("x", pa.string()), ("X", pa.string())]))],
    ],
    ids=["case", "path", "empty", "empty inside", "case inside"],
)
def test_grown_refuses_names_that_readers_cannot_tell_apart(columns):
    with pytest.raises(SchemaError, match=r"Tables cannot hold column .*documents\.keep_columns"):
        grown(pa.schema([]), ("demo", pa.schema(columns)))


@pytest.mark.parametrize("name", ["No.", "a.b", "a b/c", "1x", "ünï", "x\0\n", "y" * 3000])
def test_grown_takes_any_other_name(name: str):
    assert grown(pa.schema([]), ("demo", pa.schema([(name, pa.int32())]))).names == [name]


def test_document_names_that_meet_are_refused():
    with pytest.raises(SchemaError, match=r"two columns input_date: .*documents\.keep_columns"):
        document_names(["date", "input_date"])


def test_grown_puts_new_columns_at_the_end():
    standing = pa.schema([("a", pa.int32())])
    added = ("demo", pa.schema([("b", pa.float16()), ("a", pa.int32())]))
    assert grown(standing, added).equals(pa.schema([("a", pa.int32()), ("b", pa.float32())]))


def test_grown_with_another_type_names_column_types_and_output():
    first = ("first", pa.schema([("year", pa.int32())]))
    second = ("second", pa.schema([("year", pa.string())]))
    with pytest.raises(SchemaError, match=r"year is string in output second and int32"):
        grown(pa.schema([]), first, second)


def test_conformed_fills_casts_and_orders():
    schema = pa.schema([("a", pa.int32()), ("b", pa.string()), ("c", pa.list_(pa.int32()))])
    table = conformed(pa.table({"b": ["x"], "a": pa.array([1], pa.int64()), "d": [1]}), schema)
    assert table.schema.equals(schema)
    assert table.to_pylist() == [{"a": 1, "b": "x", "c": None}]


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (pa.string(), pa.string()),
        (pa.large_string(), pa.string()),
        (pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.int8(), pa.int32()),
        (pa.uint32(), pa.int64()),
        (pa.uint64(), pa.decimal128(20, 0)),
        (pa.float16(), pa.float32()),
        (pa.null(), pa.string()),
        (pa.date64(), pa.date32()),
        (pa.timestamp("ns"), pa.timestamp("us")),
        (pa.timestamp("s", "Asia/Tokyo"), pa.timestamp("us", "UTC")),
        (pa.time32("ms"), pa.time64("us")),
        (pa.decimal256(30, 2), pa.decimal128(30, 2)),
        (pa.binary(16), pa.binary()),
        (pa.list_(pa.float16(), 2), pa.list_(pa.field("element", pa.float32()))),
        (pa.struct([("a", pa.int8())]), pa.struct([("a", pa.int32())])),
        (pa.map_(pa.large_string(), pa.int8()), pa.map_(pa.string(), pa.int32())),
    ],
    ids=str,
)
def test_plain_field_has_a_type_that_keeps_the_values(kind: pa.DataType, plain: pa.DataType):
    field = plain_field(pa.field("x", kind))
    assert (field.name, field.nullable) == ("x", True)
    assert field.type.equals(plain)


def test_plain_field_may_always_be_null():
    assert plain_field(pa.field("x", pa.int32(), nullable=False)).nullable


@pytest.mark.parametrize(
    "kind",
    [
        pa.duration("s"),
        pa.decimal256(60, 2),
        pa.list_(pa.duration("s")),
        pa.struct([("a", pa.duration("s"))]),
        pa.uuid(),
    ],
    ids=str,
)
def test_plain_field_without_a_plain_type_is_refused_by_name(kind: pa.DataType):
    with pytest.raises(SchemaError, match=r"Column taken is .*documents\.keep_columns"):
        plain_field(pa.field("taken", kind))
