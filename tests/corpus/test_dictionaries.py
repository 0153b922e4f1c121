"""Dictionaries that indices point beyond, at any depth; dictionaries of a slice."""

import pyarrow as pa
import pytest

from pipeline.corpus.dictionaries import columns_out_of_bounds, trimmed


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


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("indices", [pa.int8(), pa.uint16(), pa.int32()], ids=str)
def test_trimmed_slice_keeps_rows_and_types_and_only_its_own_values(indices, ordered):
    values = pa.array(["x" * 10_000, "b", None, "d"])
    places = pa.array([0, 1, None, 2, 3], indices)
    column = pa.DictionaryArray.from_arrays(places, values, ordered=ordered)
    table = pa.table({"word": column, "number": range(5)})
    part = trimmed(table.slice(1))
    assert part.schema == table.schema
    assert part.to_pylist() == table.slice(1).to_pylist()
    assert table.slice(1).nbytes > 10_000 > 200 > part.nbytes


@pytest.mark.parametrize(
    "column",
    [
        pa.chunked_array([dictionary(0, 1), dictionary(None)]),
        pa.chunked_array([dictionary()]),
        pa.chunked_array([], pa.dictionary(pa.int32(), pa.string())),
        pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), pa.array([2**40, 3])),
        pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), pa.array([[1], [2]])),
        pa.StructArray.from_arrays([dictionary(0, 1)], ["x"]),
    ],
    ids=["chunks", "empty", "no chunk", "numbers", "lists", "struct"],
)
def test_trimmed_table_has_the_same_values_whatever_they_are(column):
    table = pa.table({"word": column})
    assert trimmed(table).to_pylist() == table.to_pylist()
    assert trimmed(table).schema == table.schema
