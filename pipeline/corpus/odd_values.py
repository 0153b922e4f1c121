"""Which rows of a column hold a value that readers of the output refuse, at any depth."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]


def rows_with(odd: Callable[[pa.Array], Flags], column: pa.ChunkedArray) -> Flags:
    """For each row of ``column`` whether ``odd`` flags a value in it, at any depth; never a null.

    ``odd`` takes arrays of types that are not nested.
    """
    return np.concatenate([np.zeros(0, bool), *(_rows(odd, chunk) for chunk in column.chunks)])


def not_utf8(values: pa.Array) -> Flags:
    """Which strings are not UTF-8: reading Parquet does not check them."""
    if _is_string(values.type) and not _is_valid(values):
        strings = values.cast(pa.binary()).fill_null(b"").to_pylist()
        return np.array([one.decode(errors="ignore").encode() != one for one in strings])
    return np.zeros(len(values), bool)


def with_utf8_dictionaries(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """``column`` with strings in dictionaries that are not UTF-8 emptied, at any depth.

    Parquet stores a dictionary whole: readers refuse such a string even if no row refers to it.
    """
    if _is_valid(column):
        return column
    chunks = [_mended(chunk.take(pa.array(range(len(chunk))))) for chunk in column.chunks]
    return pa.chunked_array(chunks, column.type)


def _mended(array: pa.Array) -> pa.Array:
    """``array``, which must not be a slice, with such strings emptied."""
    kind, gone = array.type, array.is_null()
    if isinstance(array, pa.DictionaryArray):
        values = pc.if_else(pa.array(not_utf8(array.dictionary)), "", array.dictionary)
        return pa.DictionaryArray.from_arrays(array.indices, values, ordered=kind.ordered)
    if isinstance(array, pa.StructArray):
        fields = [_mended(array.field(place)) for place in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=gone)
    if isinstance(array, pa.MapArray):
        held = (array.offsets, _mended(array.keys), _mended(array.items))
        return pa.MapArray.from_arrays(*held, kind, mask=gone)
    if isinstance(array, pa.ListArray | pa.LargeListArray):
        values = _mended(array.values)
        return type(array).from_arrays(array.offsets, values, type=kind, mask=gone)
    if isinstance(array, pa.FixedSizeListArray):
        return pa.FixedSizeListArray.from_arrays(_mended(array.values), type=kind, mask=gone)
    return array


def _rows(odd: Callable[[pa.Array], Flags], array: pa.Array) -> Flags:
    if isinstance(array, pa.DictionaryArray):
        places = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
        found = np.append(_rows(odd, array.dictionary), False)[places]
    elif isinstance(array, pa.StructArray):
        fields = (_rows(odd, array.field(place)) for place in range(array.type.num_fields))
        found = np.any([np.zeros(len(array), bool), *fields], axis=0)
    elif isinstance(array, pa.MapArray):
        found = _held(array, _rows(odd, array.keys) | _rows(odd, array.items))
    elif isinstance(array, pa.ListArray | pa.LargeListArray):
        found = _held(array, _rows(odd, array.values))
    elif isinstance(array, pa.FixedSizeListArray):
        size = array.type.list_size
        values = array.values.slice(array.offset * size, len(array) * size)
        found = _rows(odd, values).reshape(len(array), size).any(axis=1)
    else:
        found = odd(array)
    return np.asarray(found & array.is_valid().to_numpy(zero_copy_only=False), bool)


def _held(lists: pa.ListArray, odd: Flags) -> Flags:
    """Which of ``lists`` hold an item that is ``odd``; ``odd`` has a flag for each item."""
    before = np.concatenate([[0], np.cumsum(odd)])[lists.offsets.to_numpy()]
    return np.asarray(before[1:] > before[:-1], bool)


def _is_string(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _is_valid(values: pa.Array | pa.ChunkedArray) -> bool:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
