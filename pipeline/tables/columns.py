"""The columns of the tables: those that each has, and how an output's columns join them.

A table's schema only grows, so that files from before a column came remain files of the table.
"""

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from pipeline.contract.schema import LANGUAGE_FIELDS, RECORD_ID, TOKEN_FIELDS
from pipeline.errors import SchemaError
from pipeline.tables.plain_types import plain_field

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

DOCUMENT_FIELDS = (
    SOURCE,
    RECORD_ID,
    pa.field("file", pa.string()),
    pa.field("unit_id", pa.string()),
    DATE,
    GROUP,
    *LANGUAGE_FIELDS,
    *TOKEN_FIELDS,
    pa.field("n_entities", pa.int32()),
)
"""What each document has; columns of the input and of tasks follow."""

_RECORD_FIELDS = (SOURCE, RECORD_ID, DATE, GROUP, LANGUAGE)

ENTITY_FIELDS = (
    *_RECORD_FIELDS,
    pa.field("ordinal", pa.int32()),
    pa.field("task", pa.string()),
    pa.field("label", pa.string()),
    pa.field("text", pa.string()),
    pa.field("start", pa.int32()),
    pa.field("end", pa.int32()),
    pa.field("score", pa.float32()),
)

LABEL_FIELDS = (
    *_RECORD_FIELDS,
    pa.field("task", pa.string()),
    pa.field("label", pa.string()),
    pa.field("score", pa.float32()),
)

COUNTS = (
    *("records", "tokens", "entities", "scored"),
    *("by_column", "by_detector", "by_related", "by_default", "by_none", "quarantined"),
)
"""What is summed up for each language of a date."""

_REASON = pa.struct([("reason", pa.string()), ("records", pa.int64())])
REASONS = pa.field("reasons", pa.list_(pa.field("element", _REASON)))
"""Why records are in quarantine, the most frequent reason first."""

COUNTED_FIELDS = (
    *(SOURCE, DATE, LANGUAGE),
    *(pa.field(name, pa.int64()) for name in (*COUNTS, "fallbacks")),
    pa.field("mean_score", pa.float64()),
    REASONS,
)

SCHEMAS = {
    DOCUMENTS: pa.schema(DOCUMENT_FIELDS),
    ENTITIES: pa.schema(ENTITY_FIELDS),
    LABELS: pa.schema(LABEL_FIELDS),
    LANGUAGES: pa.schema(COUNTED_FIELDS),
}
"""The columns that a table has whatever the outputs have."""


def document_names(columns: Iterable[str]) -> dict[str, str]:
    """The name in ``documents`` of each of an output's ``columns``.

    One whose name the table needs itself becomes ``input_<name>``, as in an output. Raises
    SchemaError where that name is taken as well.
    """
    taken = {field.name for field in DOCUMENT_FIELDS} | {DATE_GROUP}
    names = {name: f"input_{name}" if name in taken else name for name in columns}
    doubled = sorted(name for name, count in Counter(names.values()).items() if count > 1)
    if doubled:
        raise SchemaError(
            f"The table documents would have two columns {', '.join(doubled)}: one whose name it "
            "needs itself becomes input_<name>. Leave one out of documents.keep_columns."
        )
    return names


def grown(standing: pa.Schema, *additions: tuple[str, pa.Schema]) -> pa.Schema:
    """``standing`` with the columns of ``additions`` that it lacks at its end, by output's name.

    Raises SchemaError where a column is there with another type.
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
    return pa.schema(list(fields.values()))


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema``, in its order and with its types; nulls where there are none."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
