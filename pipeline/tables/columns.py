"""The columns of the tables: those that each has, and how an output's columns join them.

A table's schema only grows, so that files from before a column came remain files of the table.
Columns of an output get one of Iceberg's types that keeps their values. A type that has none is
refused by name, and so is every extension type: reading some of them runs code.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipeline.contract.schema import LANGUAGE_FIELDS, RECORD_ID, TOKEN_FIELDS
from pipeline.errors import SchemaError
from pipeline.tables.storable import storable

TABLES_VERSION = 1
"""Raised whenever a column of a table changes its name, type or meaning."""

DOCUMENTS, ENTITIES, LABELS, LANGUAGES = TABLES = ("documents", "entities", "labels", "languages")

SOURCE = pa.field("source", pa.string())
DATE = pa.field("date", pa.date32())
LANGUAGE = pa.field("language", pa.string())
GROUP = pa.field("language_group", pa.string())
"""The partition that a row's language is in: the language itself or ``other``."""

DATE_GROUP = "date_group"
"""The partition that a row's date is in; not a column."""

COUNTS = (
    *("records", "tokens", "entities", "scored"),
    *("by_column", "by_detector", "by_related", "by_default", "by_none", "quarantined"),
)
"""What is summed up for each language of a date."""

_REASON = pa.struct([("reason", pa.string()), ("records", pa.int64())])
_RECORD = (SOURCE, RECORD_ID, DATE, GROUP, LANGUAGE)
_FINDING = (pa.field("task", pa.string()), pa.field("label", pa.string()))
_SCORE = pa.field("score", pa.float32())

SCHEMAS = {
    DOCUMENTS: pa.schema(
        [
            *(SOURCE, RECORD_ID, pa.field("file", pa.string()), pa.field("unit_id", pa.string())),
            *(DATE, GROUP, *LANGUAGE_FIELDS, *TOKEN_FIELDS, pa.field("n_entities", pa.int32())),
        ]
    ),
    ENTITIES: pa.schema(
        [
            *(*_RECORD, pa.field("ordinal", pa.int32()), *_FINDING, pa.field("text", pa.string())),
            *(pa.field("start", pa.int32()), pa.field("end", pa.int32()), _SCORE),
        ]
    ),
    LABELS: pa.schema([*_RECORD, *_FINDING, _SCORE]),
    LANGUAGES: pa.schema(
        [
            *(SOURCE, DATE, LANGUAGE),
            *(pa.field(name, pa.int64()) for name in (*COUNTS, "fallbacks")),
            pa.field("mean_score", pa.float64()),
            pa.field("reasons", pa.list_(pa.field("element", _REASON))),
        ]
    ),
}
"""The columns that a table has whatever the outputs have."""

_PLAIN = {
    **{kind: kind for kind in (pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64())},
    **{kind: kind for kind in (pa.string(), pa.binary(), pa.date32())},
    **dict.fromkeys((pa.int8(), pa.int16(), pa.uint8(), pa.uint16()), pa.int32()),
    **dict.fromkeys((pa.null(), pa.large_string(), pa.string_view()), pa.string()),
    **dict.fromkeys((pa.large_binary(), pa.binary_view()), pa.binary()),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
}
_DECIMAL_DIGITS = 38


def document_names(columns: Iterable[str]) -> dict[str, str]:
    """The name in ``documents`` of each of an output's ``columns``.

    One whose name the table needs itself, in whatever case, becomes ``input_<name>``, as in an
    output. Raises SchemaError where that name is taken as well.
    """
    taken = {*SCHEMAS[DOCUMENTS].names, DATE_GROUP}
    names = {name: f"input_{name}" if name.lower() in taken else name for name in columns}
    doubled = sorted(name for name, count in Counter(names.values()).items() if count > 1)
    if doubled:
        raise SchemaError(
            f"The table documents would have two columns {', '.join(doubled)}: one whose name it "
            "needs itself becomes input_<name>. Leave one out of documents.keep_columns."
        )
    return names


def grown(standing: pa.Schema, *additions: tuple[str, pa.Schema]) -> pa.Schema:
    """``standing`` with the columns of ``additions`` that it lacks at its end, by output's name.

    Raises SchemaError where a column has another type there, or a name that readers cannot use.
    """
    fields = {field.name: field for field in standing}
    for source, schema in additions:
        for field in map(plain_field, schema):
            known = fields.setdefault(field.name, field)
            if known.type != field.type:
                raise SchemaError(
                    f"Column {field.name} is {field.type} in output {source} and {known.type} in "
                    "the table or another output. Leave it out by documents.keep_columns or "
                    "documents.task_columns, or set another destination.namespace."
                )
    _require_names(fields.values())
    return pa.schema(list(fields.values()))


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema``, in its order and with its types.

    Null where there is no such column, or where a table cannot hold the value.
    """
    columns = [
        storable(table[field.name], field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def plain_field(field: pa.Field) -> pa.Field:
    """``field`` with one of Iceberg's types, nullable; raises SchemaError where it has none."""
    found = _plain(field.type)
    if found is None:
        raise SchemaError(
            f"Column {field.name} is {field.type}, which tables cannot hold. Leave it out: set "
            "documents.keep_columns or documents.task_columns in the config."
        )
    return pa.field(field.name, found)


def _require_names(fields: Iterable[pa.Field]) -> None:
    """Raise SchemaError where fields have no name, or the same path to readers that ignore case.

    In Iceberg a column ``a.b`` and the field ``b`` of a column ``a`` have the same path.
    """
    seen: dict[str, str] = {}
    for column in fields:
        for path, name in _paths(column):
            other = seen.setdefault(path.lower(), path)
            if not name or other is not path:
                wrong = f"that of {other!r} to readers that ignore case" if name else "empty"
                raise SchemaError(
                    f"Tables cannot hold column {column.name!r}: the name of its field {path!r} is "
                    f"{wrong}. Leave it out: set documents.keep_columns or "
                    "documents.task_columns, or another destination.namespace."
                )


def _paths(field: pa.Field, before: str = "") -> Iterator[tuple[str, str]]:
    """The paths of ``field`` and all fields in it, as Iceberg has them, and their names."""
    path = f"{before}{field.name}"
    yield path, field.name
    for place in range(field.type.num_fields):
        yield from _paths(field.type.field(place), f"{path}.")


def _plain(kind: pa.DataType) -> pa.DataType | None:
    if isinstance(kind, pa.DictionaryType):
        return _plain(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_time(kind):
        return pa.time64("us")
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
        known = parts and all(part is not None for _, part in parts)
        return pa.struct(parts) if known else None
    return None
