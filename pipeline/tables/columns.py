"""The columns of the tables.

Enters: the columns of an enriched output. Leaves: the schema of each table, and tables cast to it.
What holds: what comes from an output has a plain type and a name that no column of the table has;
a table's schema only grows, so that files written before a column came are files of the table.
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

ENTITY_FIELDS = (
    SOURCE,
    RECORD_ID,
    DATE,
    GROUP,
    LANGUAGE,
    pa.field("ordinal", pa.int32()),
    pa.field("task", pa.string()),
    pa.field("label", pa.string()),
    pa.field("text", pa.string()),
    pa.field("start", pa.int32()),
    pa.field("end", pa.int32()),
    pa.field("score", pa.float32()),
)

LABEL_FIELDS = (
    SOURCE,
    RECORD_ID,
    DATE,
    GROUP,
    LANGUAGE,
    pa.field("task", pa.string()),
    pa.field("label", pa.string()),
    pa.field("score", pa.float32()),
)

COUNT_FIELDS = (
    pa.field("records", pa.int64()),
    pa.field("tokens", pa.int64()),
    pa.field("entities", pa.int64()),
    pa.field("scored", pa.int64()),
    pa.field("by_column", pa.int64()),
    pa.field("by_detector", pa.int64()),
    pa.field("by_related", pa.int64()),
    pa.field("by_default", pa.int64()),
    pa.field("by_none", pa.int64()),
    pa.field("quarantined", pa.int64()),
)
"""What is summed up for each language of a date."""

REASONS = pa.field(
    "reasons",
    pa.list_(
        pa.field(
            "element",
            pa.struct([pa.field("reason", pa.string()), pa.field("records", pa.int64())]),
        )
    ),
)
"""Why records are in quarantine, the most frequent reason first."""

COUNTED_FIELDS = (
    SOURCE,
    DATE,
    LANGUAGE,
    *COUNT_FIELDS,
    pa.field("fallbacks", pa.int64()),
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
    taken = {field.name for field in DOCUMENT_FIELDS} | {"date_group"}
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
                    "documents.task_columns, or name another destination."
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
