"""Records counted by date and language, and why others are in quarantine.

Enters: the parts of an output. Leaves: a tally, whose rows add up over parts, and the table
``languages`` of it. What holds: a tally has a row for each source, date, language and reason,
however many records there are; adding tallies in any order gives the same.

A quarantine file says neither language nor date of its records. Their languages are in the commit
record as counts. Which reason goes with which language is known where a unit's records in
quarantine are all of one language or all there for one reason; elsewhere the reasons are counted
under ``und``. Their date is that of the unit's other records where these have but one, and else
null.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.language.tags import UNDETERMINED
from pipeline.tables.columns import COUNTS, LANGUAGES, SCHEMAS, conformed
from pipeline.tables.rows import entity_column, languages_of
from pipeline.tables.source import CommittedPart

_KEYS = {"source": pa.string(), "date": pa.date32(), "language": pa.string(), "reason": pa.string()}
_SUMS = {**dict.fromkeys(COUNTS, pa.int64()), "score": pa.float64()}
_SOURCES = {
    "column": "by_column",
    "detected": "by_detector",
    "related": "by_related",
    "default": "by_default",
    "none": "by_none",
}

TALLY = pa.schema([*_KEYS.items(), *_SUMS.items(), ("reason_records", pa.int64())])
"""A sum is null where nothing was counted; ``score`` is one too.

``reason`` is null but where ``reason_records`` are in quarantine for it.
"""

_COLUMNS = ("language", "language_score", "language_source", "n_tokens")

_ADDED_AT_ONCE = 100_000
"""Rows of tallies: adding each by itself would go through the sum as often as there are parts."""


def tally_part(of: CommittedPart) -> pa.Table:
    """The tally of one part and its quarantine."""
    columns_read = (*_COLUMNS, *of.origin.date.columns, *entity_column(of.origin))
    return tally_rows(of.read(columns_read), of)


def tally_rows(part: pa.Table, of: CommittedPart) -> pa.Table:
    """The tally of the rows ``part`` of the part ``of``, and of its quarantine."""
    dates = of.origin.date.dates(part)
    columns = {
        "source": pa.repeat(of.origin.name, part.num_rows),
        "date": dates,
        "language": languages_of(part),
        "records": pa.repeat(1, part.num_rows),
        "tokens": part["n_tokens"],
        "score": part["language_score"],
        "scored": pc.is_valid(part["language_score"]),
    }
    for source, name in _SOURCES.items():
        columns[name] = pc.equal(part["language_source"], source)
    if "entities" in part.column_names:
        columns["entities"] = pc.list_value_length(part["entities"])
    return added([conformed(pa.table(columns), TALLY), _quarantine(of, dates)])


def added(tallies: Iterable[pa.Table]) -> pa.Table:
    """The sum of ``tallies``, of which few are held at once."""
    waiting, rows, least = [TALLY.empty_table()], 0, _ADDED_AT_ONCE
    for tally in tallies:
        waiting.append(tally)
        rows += tally.num_rows
        if rows > least:
            waiting = [_sum(waiting)]
            rows, least = 0, max(_ADDED_AT_ONCE, waiting[0].num_rows)
    return _sum(waiting)


def language_rows(tally: pa.Table) -> pa.Table:
    """The table ``languages`` of a tally, in order of source, date and language."""
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    keys = ("source", "date", "language")
    frequent_first = [("reason_records", "descending"), ("reason", "ascending")]
    for row in tally.sort_by(frequent_first).to_pylist():
        nothing = {**{key: row[key] for key in keys}, **dict.fromkeys(_SUMS, 0), "reasons": []}
        total = found.setdefault(tuple(row[key] for key in keys), nothing)
        for name in _SUMS:
            total[name] += row[name] or 0
        if row["reason"] is not None:
            total["reasons"].append({"reason": row["reason"], "records": row["reason_records"]})
    for total in found.values():
        total["fallbacks"] = total["by_related"] + total["by_default"] + total["by_none"]
        total["mean_score"] = total["score"] / total["scored"] if total["scored"] else None
    rows = pa.Table.from_pylist(list(found.values()), SCHEMAS[LANGUAGES])
    return rows.sort_by([(key, "ascending") for key in keys])


def _sum(tallies: Iterable[pa.Table]) -> pa.Table:
    names = TALLY.names[len(_KEYS) :]
    sums = pa.concat_tables(tallies).group_by(list(_KEYS), use_threads=False)
    return sums.aggregate([(name, "sum") for name in names]).rename_columns(TALLY.names).cast(TALLY)


def _quarantine(of: CommittedPart, dates: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The tally of the records of a unit that are in quarantine."""
    distinct = pc.unique(dates)
    date = distinct[0].as_py() if len(distinct) == 1 else of.origin.date.day
    counts = ({"language": language, "quarantined": count} for language, count in of.quarantined)
    rows = [
        {"source": of.origin.name, "date": date, **row}
        for row in chain(counts, _reasons_by_language(of))
    ]
    return pa.Table.from_pylist(rows, TALLY)


def _reasons_by_language(of: CommittedPart) -> Iterator[dict[str, object]]:
    if len(of.reasons) == 1:
        ((reason, _),) = of.reasons
        for language, count in of.quarantined:
            yield {"language": language, "reason": reason, "reason_records": count}
        return
    language = of.quarantined[0][0] if len(of.quarantined) == 1 else UNDETERMINED
    for reason, count in of.reasons:
        yield {"language": language, "reason": reason, "reason_records": count}
