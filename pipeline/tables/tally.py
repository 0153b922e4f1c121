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

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.language.tags import UNDETERMINED
from pipeline.tables.columns import COUNTS, LANGUAGES, REASONS, SCHEMAS
from pipeline.tables.rows import languages_of
from pipeline.tables.source import CommittedPart, Origin

_KEYS = {"source": pa.string(), "date": pa.date32(), "language": pa.string(), "reason": pa.string()}
_SOURCES = {
    "column": "by_column",
    "detected": "by_detector",
    "related": "by_related",
    "default": "by_default",
    "none": "by_none",
}
_SUMS = {
    **dict.fromkeys(COUNTS, pa.int64()),
    "score": pa.float64(),
    "reason_records": pa.int64(),
    "documents_bytes": pa.float64(),
    "entities_bytes": pa.float64(),
    "labels_bytes": pa.float64(),
}

TALLY = pa.schema([*_KEYS.items(), *_SUMS.items()])
"""``reason`` is null for records that are in no quarantine; ``score`` is a sum, ``<table>_bytes``
what the records' rows in a table take, estimated."""

COLUMNS = ("language", "language_score", "language_source", "n_tokens")
"""What a part is read of, beside its dates and entities."""


def tally_part(
    part: pa.Table, of: CommittedPart, origin: Origin, table_bytes: Mapping[str, int]
) -> pa.Table:
    """The tally of one part and its quarantine.

    ``part`` has the columns ``COLUMNS``; ``table_bytes`` are of the file, by table.
    """
    dates = origin.date.dates(part)
    columns: dict[str, object] = {
        "source": pa.repeat(origin.name, part.num_rows),
        "date": dates,
        "language": languages_of(part),
        "records": pa.repeat(1, part.num_rows),
        "tokens": part["n_tokens"],
        "score": part["language_score"],
        "scored": pc.cast(pc.is_valid(part["language_score"]), pa.int64()),
    }
    for source, name in _SOURCES.items():
        columns[name] = pc.cast(pc.equal(part["language_source"], source), pa.int64())
    for table, size in table_bytes.items():
        columns[f"{table}_bytes"] = pa.repeat(size / max(1, part.num_rows), part.num_rows)
    if "entities" in part.column_names:
        columns["entities"] = pc.list_value_length(part["entities"])
    return added([_as_tally(columns), _quarantine(of, origin, dates)])


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


_ADDED_AT_ONCE = 100_000
"""Rows of tallies: adding each by itself would go through the sum as often as there are parts."""


def _sum(tallies: Iterable[pa.Table]) -> pa.Table:
    return (
        _sums(pa.concat_tables(tallies), list(_KEYS), list(_SUMS)).select(TALLY.names).cast(TALLY)
    )


def _sums(rows: pa.Table, keys: list[str], names: list[str]) -> pa.Table:
    sums = rows.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in names])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])


def language_rows(tally: pa.Table) -> pa.Table:
    """The table ``languages`` of a tally, in order of source, date and language."""
    keys = ["source", "date", "language"]
    rows = _sums(tally, keys, [*COUNTS, "score"])
    rows = rows.append_column("fallbacks", _fallbacks(rows))
    scored = pc.if_else(pc.greater(rows["scored"], 0), rows["scored"], None)
    rows = rows.append_column("mean_score", pc.divide(rows["score"], pc.cast(scored, pa.float64())))
    rows = rows.append_column(REASONS, _reasons(rows, tally))
    return (
        rows.select(SCHEMAS[LANGUAGES].names)
        .cast(SCHEMAS[LANGUAGES])
        .sort_by([(name, "ascending") for name in keys])
    )


def _as_tally(columns: Mapping[str, object]) -> pa.Table:
    """``columns`` as a tally that is not added up yet; zero and null where there is no column."""
    table = pa.table(columns)
    filled = [
        pc.fill_null(table[name].cast(kind), 0)
        if name in table.column_names and name in _SUMS
        else table[name].cast(kind)
        if name in table.column_names
        else pa.repeat(pa.scalar(0 if name in _SUMS else None, kind), table.num_rows)
        for name, kind in {**_KEYS, **_SUMS}.items()
    ]
    return pa.table(filled, schema=TALLY)


def _quarantine(of: CommittedPart, origin: Origin, dates: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The tally of the records of a unit that are in quarantine."""
    distinct = pc.unique(dates)
    date = distinct[0].as_py() if len(distinct) == 1 else origin.date.day
    rows = [
        {"language": language, "quarantined": count} for language, count in of.quarantined
    ] + list(_reasons_by_language(of))
    every = [
        {**dict.fromkeys(_SUMS, 0), "source": origin.name, "date": date, **row} for row in rows
    ]
    return pa.Table.from_pylist(every, TALLY)


def _reasons_by_language(of: CommittedPart) -> Iterator[dict[str, object]]:
    if len(of.reasons) == 1:
        ((reason, _),) = of.reasons
        for language, count in of.quarantined:
            yield {"language": language, "reason": reason, "reason_records": count}
        return
    language = of.quarantined[0][0] if len(of.quarantined) == 1 else UNDETERMINED
    for reason, count in of.reasons:
        yield {"language": language, "reason": reason, "reason_records": count}


def _fallbacks(rows: pa.Table) -> pa.ChunkedArray:
    return pc.add(pc.add(rows["by_related"], rows["by_default"]), rows["by_none"])


def _reasons(rows: pa.Table, tally: pa.Table) -> pa.Array:
    """The reasons of each of ``rows``, the most frequent first."""
    found: dict[tuple[object, ...], list[dict[str, object]]] = {}
    reasons = tally.filter(pc.is_valid(tally["reason"])).sort_by(
        [("reason_records", "descending"), ("reason", "ascending")]
    )
    for row in reasons.to_pylist():
        place = (row["source"], row["date"], row["language"])
        found.setdefault(place, []).append(
            {"reason": row["reason"], "records": row["reason_records"]}
        )
    places = zip(*(rows[name].to_pylist() for name in ("source", "date", "language")), strict=True)
    return pa.array([found.get(place, []) for place in places], REASONS.type)
