"""The types that Iceberg knows, in place of all that Parquet can hold.

Values survive; a type that would lose them is refused by name, and so is every extension type:
reading some of them runs code.
"""

import pyarrow as pa

from pipeline.errors import SchemaError

_PLAIN = {
    **{kind: kind for kind in (pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64())},
    **{kind: kind for kind in (pa.string(), pa.binary(), pa.date32())},
    **dict.fromkeys((pa.int8(), pa.int16(), pa.uint8(), pa.uint16()), pa.int32()),
    **dict.fromkeys((pa.null(), pa.large_string(), pa.string_view()), pa.string()),
    **dict.fromkeys((pa.large_binary(), pa.binary_view()), pa.binary()),
    **dict.fromkeys((pa.time32("s"), pa.time32("ms"), pa.time64("ns")), pa.time64("us")),
    pa.time64("us"): pa.time64("us"),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
}
_DECIMAL_DIGITS = 38


def plain_field(field: pa.Field) -> pa.Field:
    """``field`` with a plain type, nullable; raises SchemaError where there is none for it."""
    found = _plain(field.type)
    if found is None:
        raise SchemaError(
            f"Column {field.name} is {field.type}, which tables cannot hold. Leave it out: set "
            "documents.keep_columns or documents.task_columns in the config."
        )
    return pa.field(field.name, found)


def is_scalar(kind: pa.DataType) -> bool:
    """Whether values of type ``kind`` are no lists, maps or structs."""
    return not pa.types.is_nested(kind)


def _plain(kind: pa.DataType) -> pa.DataType | None:
    """The plain type for ``kind``, None where there is none."""
    if isinstance(kind, pa.BaseExtensionType):
        return None
    if isinstance(kind, pa.DictionaryType):
        return _plain(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_decimal(kind) and kind.precision <= _DECIMAL_DIGITS:
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    return _PLAIN.get(kind) or _plain_nested(kind)


def _plain_nested(kind: pa.DataType) -> pa.DataType | None:
    if isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        item = _plain(kind.value_type)
        return None if item is None else pa.list_(pa.field("element", item))
    if isinstance(kind, pa.MapType):
        key, value = _plain(kind.key_type), _plain(kind.item_type)
        return None if key is None or value is None else pa.map_(key, value)
    if isinstance(kind, pa.StructType):
        parts = [(field.name, _plain(field.type)) for field in kind]
        return None if any(part is None for _, part in parts) else pa.struct(parts)
    return None
