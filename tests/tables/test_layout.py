"""Which file each row goes to, and which files are written again."""

import datetime as dt

import pyarrow as pa

from pipeline.config.tables import Granularity, LayoutSettings
from pipeline.tables.columns import DOCUMENTS
from pipeline.tables.dates import NO_DATE
from pipeline.tables.layout import FILE, Change, Layout, place_of, plan_change
from pipeline.tables.table_files import Partition, TableFile
from pipeline.tables.tally import TALLY

DAY, NEXT_MONTH = dt.date(2026, 1, 30), dt.date(2026, 2, 1)
GERMAN = Partition("2026-01", "de")


def tally(*counts: tuple[dt.date | None, str, int, float]) -> pa.Table:
    """(date, language, records, bytes of documents)."""
    zero = {field.name: None if pa.types.is_string(field.type) else 0 for field in TALLY}
    rows = [
        {**zero, "source": "demo", "date": day, "language": tag, "records": n, "documents_bytes": b}
        for day, tag, n, b in counts
    ]
    return pa.Table.from_pylist(rows, TALLY)


def file(partition: Partition, first: str, last: str | None = None, size: int = 10) -> TableFile:
    return TableFile(
        uri=f"file:///t/{partition}/{first}-{last or first}-{size}",
        rows=1,
        bytes=size,
        partition=partition,
        first_source=first,
        last_source=last or first,
    )


def change(
    counts: pa.Table, *standing: TableFile, replaced: frozenset[str] = frozenset(), size: int = 100
) -> Change:
    settings = LayoutSettings(dates=Granularity.MONTH, min_rows=3, target_bytes=size)
    return plan_change(DOCUMENTS, counts, standing, replaced, settings)


def test_plan_change_folds_languages_with_few_rows_in_a_span_into_other():
    counts = tally((DAY, "de", 2, 9), (dt.date(2026, 1, 2), "de", 1, 9), (DAY, "fr", 2, 9))
    layout = change(counts).layout
    assert layout.groups == {("2026-01", "de"): "de", ("2026-01", "fr"): "other"}


def test_plan_change_of_another_span_folds_apart():
    layout = change(tally((DAY, "de", 3, 9), (NEXT_MONTH, "de", 2, 9), (None, "de", 3, 9))).layout
    assert layout.groups == {
        ("2026-01", "de"): "de",
        ("2026-02", "de"): "other",
        (NO_DATE, "de"): "de",
    }


def test_plan_change_cuts_partitions_by_bytes():
    counts = tally((DAY, "de", 3, 250), (DAY, "fr", 1, 30), (DAY, "it", 1, 60))
    assert change(counts).layout.files == {GERMAN: 3, Partition("2026-01", "other"): 1}


def test_plan_change_writes_small_files_again_where_rows_come():
    small, large = file(GERMAN, "b", size=10), file(GERMAN, "b", size=50)
    elsewhere = file(Partition("2026-02", "de"), "b")
    planned = change(tally((DAY, "de", 3, 95)), small, large, elsewhere)
    assert planned.gone == planned.again == (small,)
    assert planned.layout.files == {GERMAN: 2}


def test_plan_change_takes_out_files_of_what_is_replaced():
    own = file(Partition("2025-01", "de"), "demo", size=90)
    shared = file(Partition("2025-01", "fr"), "a", "z", size=90)
    others = file(Partition("2025-01", "it"), "a", "b", size=90)
    planned = change(tally((DAY, "de", 3, 9)), own, shared, others, replaced=frozenset({"demo"}))
    assert planned.gone == (own, shared)
    assert planned.again == (shared,), "rows of other outputs may be in it"
    assert planned.layout.files == {GERMAN: 1, shared.partition: 1}


def test_plan_change_takes_out_files_without_rows():
    empty = file(Partition(NO_DATE, "other"), "").model_copy(update={"rows": 0})
    planned = change(tally((DAY, "de", 3, 9)), empty)
    assert (planned.gone, planned.again) == ((empty,), ())


def test_plan_change_of_an_output_without_rows_for_the_table_touches_nothing():
    small = file(GERMAN, "b")
    assert change(tally((DAY, "de", 3, 0.0)), small).gone == ()


def rows(*records: tuple[dt.date | None, str]) -> pa.Table:
    return pa.table(
        {
            "date": pa.array([day for day, _ in records], pa.date32()),
            "language": pa.array([tag for _, tag in records], pa.string()),
            "language_group": pa.nulls(len(records), pa.string()),
            "n": list(range(len(records))),
        }
    )


LAYOUT = Layout(
    Granularity.MONTH,
    {("2026-01", "de"): "de", ("2026-01", "fr"): "other", (NO_DATE, "de"): "other"},
    {GERMAN: 2, Partition("2026-01", "other"): 1},
)


def test_placed_rows_have_their_group_and_are_dealt_out_to_files():
    table = rows((DAY, "de"), (DAY, "fr"), (DAY, "de"), (None, "de"), (DAY, "de"))
    placed = LAYOUT.placed(table, first=0)
    assert placed["language_group"].to_pylist() == ["de", "other", "de", "other", "de"]
    assert placed["language"].to_pylist() == ["de", "fr", "de", "de", "de"]
    assert [place_of(key) for key in placed[FILE.name].to_pylist()] == [
        (GERMAN, 0),
        (Partition("2026-01", "other"), 0),
        (GERMAN, 0),
        (Partition(NO_DATE, "other"), 0),
        (GERMAN, 0),
    ]


def test_placed_rows_go_to_all_files_of_a_partition():
    placed = LAYOUT.placed(rows(*[(DAY, "de")] * 4), first=7)
    assert [place_of(key)[1] for key in placed[FILE.name].to_pylist()] == [1, 0, 1, 0]


def test_placed_no_rows_are_no_rows():
    assert LAYOUT.placed(rows(), first=3).num_rows == 0


def test_again_keeps_rows_in_their_partition():
    again = LAYOUT.again(rows((DAY, "de"), (DAY, "fr")), Partition("2026-01", "other"))
    assert again["language_group"].to_pylist() == ["other", "other"]
    assert {place_of(key)[0] for key in again[FILE.name].to_pylist()} == {
        Partition("2026-01", "other")
    }
