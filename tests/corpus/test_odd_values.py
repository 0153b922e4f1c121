"""Which rows hold a string that is not UTF-8, wherever in their types it is."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.corpus.odd_values import not_utf8, rows_with, with_utf8_dictionaries
from tests.helpers.parquet_files import raw_strings

STRINGS = raw_strings([b"good", b"\xff", None, b"", b"\xc3", b"\xed\xa0\x80"])
ODD = [False, True, False, False, True, True]


def in_maps(keys: pa.Array, values: pa.Array) -> pa.Array:
    return pa.MapArray.from_arrays(list(range(len(keys) + 1)), keys, values)


NUMBERS = pa.array(range(6))
KINDS = {
    "string": STRINGS,
    "large": pa.LargeListArray.from_arrays(range(7), STRINGS),
    "list": pa.ListArray.from_arrays(range(7), STRINGS),
    "fixed": pa.FixedSizeListArray.from_arrays(STRINGS, 1),
    "struct": pa.StructArray.from_arrays([NUMBERS, STRINGS], ["a", "b"]),
    "map value": in_maps(NUMBERS, STRINGS),
    "list of structs": pa.ListArray.from_arrays(
        range(7), pa.StructArray.from_arrays([in_maps(NUMBERS, STRINGS)], ["m"])
    ),
    "dictionary": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 3, 4, 5], pa.int32()), STRINGS.fill_null("")
    ),
    "list of dictionaries": pa.ListArray.from_arrays(
        range(7), pa.DictionaryArray.from_arrays(NUMBERS, STRINGS.fill_null(""))
    ),
}


def found(column: pa.Array) -> list[bool]:
    flags: list[bool] = rows_with(not_utf8, pa.chunked_array([column])).tolist()
    return flags


@pytest.mark.parametrize("column", KINDS.values(), ids=KINDS)
def test_rows_with_finds_strings_that_are_not_utf8(column: pa.Array):
    assert found(column) == ODD
    assert found(column.slice(1, 4)) == ODD[1:5]
    assert found(column.slice(6)) == []
    chunks = pa.chunked_array([column.slice(0, 2), column.slice(2)])
    assert rows_with(not_utf8, chunks).tolist() == ODD


def test_rows_with_passes_over_what_is_below_a_null():
    mask = pa.array([False, True, False])
    column = pa.ListArray.from_arrays([0, 1, 2, 3], STRINGS.slice(0, 3), mask=mask)
    assert found(column) == [False, False, False]
    assert found(pa.array([], pa.list_(pa.string()))) == []
    assert found(pa.nulls(2)) == [False, False]
    nothing = pa.DictionaryArray.from_arrays(pa.nulls(2, pa.int32()), STRINGS[:0])
    assert found(nothing) == [False, False]


WORDS = pa.DictionaryArray.from_arrays(
    pa.array([0, 2, None, 0], pa.int32()), raw_strings([b"good", b"\xff", b"\xfe"])
)
OFFSETS = pa.array([0, 1, 2, None, 4], pa.int32())


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (WORDS, ["good", "", None, "good"]),
        (pa.ListArray.from_arrays(OFFSETS, WORDS), [["good"], [""], [None, "good"], None]),
        (
            pa.StructArray.from_arrays([WORDS], ["a"]),
            [{"a": w} for w in ("good", "", None, "good")],
        ),
        (
            pa.MapArray.from_arrays(OFFSETS, pa.array(list("abcd")), WORDS),
            [[("a", "good")], [("b", "")], [("c", None), ("d", "good")], None],
        ),
        (pa.FixedSizeListArray.from_arrays(WORDS, 2), [["good", ""], [None, "good"]]),
    ],
    ids=["dictionary", "list", "struct", "map", "fixed"],
)
def test_with_utf8_dictionaries_leaves_a_file_that_duckdb_reads(tmp_path, column, values):
    mended = with_utf8_dictionaries(pa.chunked_array([column.slice(0, 1), column.slice(1)]))
    assert mended.type == column.type
    assert sorted(map(str, mended.to_pylist())) == sorted(map(str, values))
    pq.write_table(pa.table({"words": mended}), tmp_path / "a.parquet")
    assert len(duckdb.sql(f"from '{tmp_path}/a.parquet'").fetchall()) == len(values)
