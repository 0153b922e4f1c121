"""Rows of an output → records to read, balanced over its languages."""

from collections import Counter
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.reporting.page.columns import Columns
from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.output import Output
from pipeline.reporting.page.shown import Shown, shown
from pipeline.reporting.run_report import language_name

ROWS_FOR_ONE = 4
"""Rows that are read for each one that is shown, so that rare languages are found."""


def read_records(output: Output, columns: Columns, limits: PageLimits) -> tuple[Shown, ...]:
    """At most ``limits.records`` records with their texts; none without ``limits.texts``."""
    if not limits.texts:
        return ()
    single = (columns.text, columns.entities, columns.continuation)
    fields = [
        *(schema.RECORD_ID, *schema.LANGUAGE_FIELDS, *schema.TOKEN_FIELDS),
        *(field for field in single if field is not None),
        *(*columns.labels, *columns.scores, *columns.answers, *columns.numbers),
    ]
    shape = partial(_cut, text=columns.text, characters=limits.characters)
    table = output.parts.read(pa.schema(fields), ROWS_FOR_ONE * limits.records, shape)
    rows = balanced(table, limits.records).to_pylist()
    return tuple(shown(row, columns, limits.characters) for row in rows)


def balanced(table: pa.Table, most: int) -> pa.Table:
    """At most ``most`` rows: the first of each language, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    ranks = []
    for place, tag in enumerate(table["language"].to_pylist()):
        name = language_name(tag)
        ranks.append((seen[name], place))
        seen[name] += 1
    return table.take(pa.array([place for _, place in sorted(ranks)[:most]], pa.int64()))


def _cut(table: pa.Table, text: pa.Field | None, characters: int) -> pa.Table:
    """``table`` with texts of one character more than is shown, which tells that they are cut."""
    if text is None:
        return table
    short = pc.utf8_slice_codeunits(table[text.name].cast(pa.string()), 0, characters + 1)
    return table.set_column(table.column_names.index(text.name), text.name, short)
