"""Dictionary columns: index bounds checked, and dictionaries cut to the rows that are left.

Arrow does not check dictionary indices when it reads Parquet, and later steps rely on them. A slice
of a table keeps its whole dictionaries.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc


def columns_out_of_bounds(table: pa.Table) -> list[str]:
    """The columns of ``table`` with a dictionary, at any depth, that an index points beyond."""
    return [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if any(
            _is_out_of_bounds(found) for chunk in column.chunks for found in _dictionaries(chunk)
        )
    ]


def trimmed(table: pa.Table) -> pa.Table:
    """``table`` with no more in its columns' dictionaries than its rows refer to."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            chunks = [_trimmed(chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, field, pa.chunked_array(chunks, field.type))
    return table


def _trimmed(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """By its indices alone: a value that all rows share may be large."""
    used = array.indices.drop_null().unique().sort()
    indices = pc.index_in(array.indices, value_set=used).cast(array.type.index_type)
    return pa.DictionaryArray.from_arrays(
        indices, array.dictionary.take(used), ordered=array.type.ordered
    )


def _dictionaries(array: pa.Array) -> Iterator[pa.DictionaryArray]:
    if isinstance(array, pa.DictionaryArray):
        yield array
        yield from _dictionaries(array.dictionary)
    elif isinstance(array, pa.MapArray):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        for child in (array.keys, array.items):
            yield from _dictionaries(child.slice(first, last - first))
    elif isinstance(array, pa.StructArray):
        for child in array.flatten():
            yield from _dictionaries(child)
    elif hasattr(array, "values"):  # each kind of list
        yield from _dictionaries(array.flatten())


def _is_out_of_bounds(array: pa.DictionaryArray) -> bool:
    bounds = pc.min_max(array.indices).as_py()
    if bounds["min"] is None:
        return False
    return bool(bounds["min"] < 0 or bounds["max"] >= len(array.dictionary))
