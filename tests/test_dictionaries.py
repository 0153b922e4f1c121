"""Dictionaries that indices point beyond, at any depth."""

import pyarrow as pa
import pytest

from pipeline.dictionaries import columns_out_of_bounds


def dictionary(*indices: int | None) -> pa.DictionaryArray:
    """Of two words; as a reader makes them, which does not look at the indices."""
    words = pa.array(["a", "b"])
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), words, safe=False)


def nested(array: pa.Array) -> dict[str, pa.Array]:
    """Columns of each kind that hold the two values of ``array``."""
    offsets, keys = pa.array([0, 1, 2], pa.int32()), pa.array(["x", "y"])
    return {
        "plain": array,
        "list": pa.ListArray.from_arrays(offsets, array),
        "large": pa.LargeListArray.from_arrays(offsets.cast(pa.int64()), array),
        "fixed": pa.FixedSizeListArray.from_arrays(array, 1),
        "struct": pa.StructArray.from_arrays([keys, array], ["x", "y"]),
        "map": pa.MapArray.from_arrays(offsets, keys, array),
        "deep": pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays([array], ["x"])),
    }


@pytest.mark.parametrize("indices", [(0, 2), (1, -1), (85, None)])
def test_index_beyond_its_dictionary_is_found_in_each_kind_of_column(indices):
    columns = nested(dictionary(*indices))
    table = pa.table({**columns, "sound": dictionary(0, 1), "number": [1, 2]})
    assert columns_out_of_bounds(table) == list(columns)


@pytest.mark.parametrize("indices", [(0, 1), (None, None)])
def test_sound_dictionaries_are_not_found(indices):
    assert columns_out_of_bounds(pa.table(nested(dictionary(*indices)))) == []


def test_index_of_a_row_that_was_cut_off_is_none_of_the_others():
    columns = nested(dictionary(1, 2))
    table = pa.table(columns)
    assert columns_out_of_bounds(table.slice(0, 1)) == []
    assert columns_out_of_bounds(table.slice(1, 1)) == list(columns)
    assert columns_out_of_bounds(table.slice(2)) == []


def test_index_in_a_later_chunk_is_found():
    column = pa.chunked_array([dictionary(0, 1), dictionary(1, 2)])
    assert columns_out_of_bounds(pa.table({"word": column})) == ["word"]


def test_table_without_rows_or_dictionaries_has_none():
    assert (
        columns_out_of_bounds(pa.table({"word": dictionary(), "number": pa.array([], "i4")})) == []
    )
