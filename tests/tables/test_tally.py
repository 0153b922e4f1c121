"""Counts by date and language, and what of quarantines is known."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import OutputError
from pipeline.tables.columns import LANGUAGES, SCHEMAS
from pipeline.tables.dates import DateRule
from pipeline.tables.source import CommittedPart, Origin, Source
from pipeline.tables.tally import TALLY, added, language_rows, tally_part, tally_rows
from tests.helpers.enriched import day_of, source_of

DAY, NEXT = dt.date(2026, 1, 2), dt.date(2026, 1, 3)
BY_COLUMN = DateRule(None, "published")

Counts = tuple[tuple[str, int], ...]


def origin(rule: DateRule = BY_COLUMN, name: str = "demo") -> Origin:
    return Origin(name, rule, pa.schema([]), (), None, (), (), {})


def part(quarantined: Counts = (), reasons: Counts = (), of: Origin | None = None) -> CommittedPart:
    return CommittedPart(of or origin(), "uri", 1, "sha", "unit", "file", quarantined, reasons)


def rows(*records: tuple[dt.date | None, str | None, float | None, str, int]) -> pa.Table:
    """(date, language, score, language source, tokens), each with two entities."""
    columns = list(zip(*records, strict=True)) or [[]] * 5
    return pa.table(
        {
            "published": pa.array(columns[0], pa.date32()),
            "language": pa.array(columns[1], pa.string()),
            "language_score": pa.array(columns[2], pa.float32()),
            "language_source": pa.array(columns[3], pa.string()),
            "n_tokens": pa.array(columns[4], pa.int32()),
            "entities": pa.array([[{"text": "x"}] * 2] * len(records), pa.list_(_ENTITY)),
        }
    )


_ENTITY = pa.struct([("text", pa.string())])
GERMAN = (DAY, "de", None, "column", 10)


def languages(*tallies: pa.Table) -> list[dict[str, object]]:
    table = language_rows(added(tallies))
    assert table.schema.equals(SCHEMAS[LANGUAGES])
    found: list[dict[str, object]] = table.to_pylist()
    return found


def counted(row: dict[str, object], *names: str) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


def test_language_rows_count_records_by_date_and_language():
    table = rows(
        GERMAN,
        (DAY, "de", 0.5, "detected", 20),
        (DAY, "de", 1.0, "related", 30),
        (DAY, "fr", 0.5, "default", 1),
        (NEXT, "de", None, "none", 2),
        (NEXT, None, None, "column", 3),
    )
    first, french, second, unknown = languages(tally_rows(table, part()))
    assert counted(first, "source", "date", "language") == ("demo", DAY, "de")
    assert counted(first, "records", "tokens", "entities") == (3, 60, 6)
    assert counted(first, "scored", "mean_score") == (2, 0.75)
    assert counted(first, "by_column", "by_detector", "by_related", "fallbacks") == (1, 1, 1, 1)
    assert counted(french, "language", "by_default", "fallbacks") == ("fr", 1, 1)
    assert counted(second, "date", "language", "by_none", "mean_score") == (NEXT, "de", 1, None)
    assert counted(unknown, "language", "records", "tokens") == ("und", 1, 3)


def test_added_in_any_order_or_at_once_is_the_same():
    tallies = [
        tally_rows(rows(GERMAN), part()),
        tally_rows(rows(GERMAN, (NEXT, "fr", 0.5, "detected", 1)), part()),
        tally_rows(rows(GERMAN), part(of=origin(name="other"))),
    ]
    at_once = languages(*tallies)
    assert languages(*reversed(tallies)) == at_once
    assert languages(added(tallies[:2]), tallies[2]) == at_once
    assert [row["source"] for row in at_once] == ["demo", "demo", "other"]


def test_added_more_than_is_held_at_once_is_the_same(monkeypatch: pytest.MonkeyPatch):
    tallies = [tally_rows(rows((day, "de", 0.5, "detected", 1)), part()) for day in (DAY, NEXT) * 5]
    at_once = added(tallies)
    monkeypatch.setattr("pipeline.tables.tally._ADDED_AT_ONCE", 2)
    assert added(iter(tallies)).equals(at_once)


def test_added_nothing_is_an_empty_tally():
    assert added([]).equals(TALLY.empty_table())
    assert languages() == []


def quarantine_of(
    quarantined: Counts, reasons: Counts, *records: Sequence[object]
) -> list[dict[str, object]]:
    """Rows of ``languages`` that have something to say of a quarantine."""
    table = rows(*(records or (GERMAN,)))  # type: ignore[arg-type]
    found = languages(tally_rows(table, part(quarantined, reasons)))
    return [row for row in found if row["quarantined"] or row["reasons"]]


def test_quarantine_of_one_language_has_its_reasons_the_most_frequent_first():
    (row,) = quarantine_of((("de", 3),), (("NoText", 1), ("TooLong", 2)))
    assert counted(row, "date", "language", "records", "quarantined") == (DAY, "de", 1, 3)
    assert row["reasons"] == [
        {"reason": "TooLong", "records": 2},
        {"reason": "NoText", "records": 1},
    ]


def test_quarantine_for_one_reason_has_it_with_each_language():
    german, unknown = quarantine_of((("de", 1), ("und", 2)), (("NoText", 3),))
    assert counted(german, "language", "quarantined") == ("de", 1)
    assert german["reasons"] == [{"reason": "NoText", "records": 1}]
    assert counted(unknown, "language", "quarantined") == ("und", 2)
    assert unknown["reasons"] == [{"reason": "NoText", "records": 2}]


def test_quarantine_of_several_languages_for_several_reasons_has_them_under_und():
    german, french, unknown = quarantine_of((("de", 1), ("fr", 2)), (("NoText", 2), ("TooLong", 1)))
    assert counted(german, "language", "quarantined", "reasons") == ("de", 1, [])
    assert counted(french, "language", "quarantined", "reasons") == ("fr", 2, [])
    assert counted(unknown, "language", "quarantined") == ("und", 0)
    assert unknown["reasons"] == [
        {"reason": "NoText", "records": 2},
        {"reason": "TooLong", "records": 1},
    ]


def test_quarantine_of_a_unit_with_several_dates_has_none():
    (row,) = quarantine_of((("de", 1),), (("NoText", 1),), GERMAN, (NEXT, "de", None, "column", 1))
    assert row["date"] is None


def test_quarantine_of_a_unit_without_other_records_has_the_one_date_if_there_is_one():
    of = part((("und", 2),), (("NoText", 2),), origin(DateRule(DAY, None)))
    (dated,) = languages(tally_rows(rows(), of))
    assert counted(dated, "date", "quarantined") == (DAY, 2)
    (undated,) = languages(tally_rows(rows(), dataclasses.replace(of, origin=origin())))
    assert counted(undated, "date", "quarantined") == (None, 2)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Eight records of which one is in quarantine."""
    return source_of(tmp_path, rows=8)


def test_tally_of_parts_is_read_from_them(source: Source):
    names = ("date", "language", "records", "entities", "quarantined")
    assert [counted(row, *names) for row in languages(*map(tally_part, source.parts))] == [
        (day_of(0), "de", 2, 3, 0),
        (day_of(0), "fr", 1, 0, 0),
        (day_of(4), "de", 2, 3, 0),
        (day_of(4), "fr", 2, 0, 0),
        (None, "fr", 0, 0, 1),
    ]


def test_tally_of_parts_without_entities_counts_none(tmp_path: Path):
    parts = source_of(tmp_path, entities=False, topic=False).parts
    assert {row["entities"] for row in languages(*map(tally_part, parts))} == {0}


def test_tally_of_a_part_that_is_not_as_committed_is_refused(source: Source):
    part = source.parts[0]
    path = Path(part.uri.removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(OutputError, match=f"{part.bytes} were committed"):
        tally_part(part)
