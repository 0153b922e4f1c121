"""Values → what a table can hold: a value that Iceberg or its readers refuse becomes null.

These are strings that are not UTF-8, dates and timestamps outside the years 1 to 9999 and times
outside a day, also in a list, struct or map. Timestamps and times are in microseconds.
"""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.corpus.odd_values import Flags, not_utf8, rows_with

_EPOCH = datetime.date(1970, 1, 1).toordinal()
_FIRST = datetime.date.min.toordinal() - _EPOCH
_AFTER = datetime.date.max.toordinal() - _EPOCH + 1
"""Days since 1970 of the first date, and of the day after the last."""

_A_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def storable(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """``column`` as ``kind``, null where a table cannot hold the value."""
    odd = rows_with(_is_odd, column)
    if odd.any():
        places = pa.array(np.arange(len(odd)), mask=odd)
        column = column.take(places)
    return column.cast(kind, safe=False)


def _is_odd(values: pa.Array) -> Flags:
    kind = values.type
    if pa.types.is_date32(kind):
        return _outside(values.cast(pa.int32()), _FIRST, _AFTER)
    if pa.types.is_date64(kind):
        return _outside(values.cast(pa.int64()), _FIRST * _A_DAY["ms"], _AFTER * _A_DAY["ms"])
    if pa.types.is_timestamp(kind):
        day = _A_DAY[kind.unit]
        return _outside(values.cast(pa.int64()), _FIRST * day, _AFTER * day)
    if pa.types.is_time(kind):
        return _outside(values.cast(f"int{kind.bit_width}"), 0, _A_DAY[kind.unit])
    return not_utf8(values)


def _outside(values: pa.Array, first: int, after: int) -> Flags:
    """Which integers are below ``first``, or not below ``after``."""
    numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return np.asarray((numbers < first) | (numbers >= after), bool)
