"""Which rows hold a string that is not UTF-8, wherever in their types it is."""

import pyarrow as pa
import pytest

from pipeline.corpus.odd_values import not_utf8, rows_with
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
