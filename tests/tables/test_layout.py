"""Which file each row goes to, and which files are rewritten."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from pipeline.config.tables import Granularity, LayoutSettings
from pipeline.tables.columns import DOCUMENTS
from pipeline.tables.data_files import TableFile
from pipeline.tables.dates import NO_DATE
from pipeline.tables.layout import FILE, Layout, file_number, plan_layout
from pipeline.tables.tally import TALLY

DAY, NEXT_MONTH = dt.date(2026, 1, 30), dt.date(2026, 2, 1)


def tally(*counts: tuple[dt.date | None, str, int, float]) -> pa.Table:
    """(date, language, records, bytes of documents)."""
    zero = {field.name: None if pa.types.is_string(field.type) else 0 for field in TALLY}
    rows = [
        {**zero, "source": "demo", "date": day, "language": tag, "records": n, "documents_bytes": b}
        for day, tag, n, b in counts
    ]
    return pa.Table.from_pylist(rows, TALLY)


def file(partition: str, first: str, last: str | None = None, size: int = 10) -> TableFile:
    scan: Any = SimpleNamespace(file=SimpleNamespace(file_size_in_bytes=size))
    return TableFile(scan, partition, first, last or first)


def planned(
    counts: pa.Table, *standing: TableFile, replaced: frozenset[str] = frozenset(), size: int = 100
) -> tuple[Layout, tuple[TableFile, ...]]:
    settings = LayoutSettings(dates=Granularity.MONTH, min_rows=3, target_bytes=size)
    return plan_layout(DOCUMENTS, counts, standing, replaced, settings)


def test_plan_layout_groups_languages_with_few_rows_in_a_month_as_other():
    counts = tally((DAY, "de", 2, 9), (dt.date(2026, 1, 2), "de", 1, 9), (DAY, "fr", 2, 9))
    layout, _ = planned(counts)
    assert layout.groups == {"2026-01/de": "de", "2026-01/fr": "other"}


def test_plan_layout_groups_each_month_by_itself():
    layout, _ = planned(tally((DAY, "de", 3, 9), (NEXT_MONTH, "de", 2, 9), (None, "de", 3, 9)))
    assert layout.groups == {"2026-01/de": "de", "2026-02/de": "other", f"{NO_DATE}/de": "de"}


def test_plan_layout_cuts_partitions_by_bytes():
    counts = tally((DAY, "de", 3, 250), (DAY, "fr", 1, 30), (DAY, "it", 1, 60))
    assert planned(counts)[0].files == {"2026-01/de": 3, "2026-01/other": 1}


def test_plan_layout_rewrites_small_files_where_rows_come():
    small, large = file("2026-01/de", "b", size=10), file("2026-01/de", "b", size=50)
    elsewhere = file("2026-02/de", "b")
    layout, gone = planned(tally((DAY, "de", 3, 95)), small, large, elsewhere)
    assert gone == (small,)
    assert layout.files == {"2026-01/de": 2}


def test_plan_layout_takes_out_files_of_what_is_replaced():
    own = file("2025-01/de", "demo", size=90)
    shared = file("2025-01/fr", "a", "z", size=90)
    others = file("2025-01/it", "a", "b", size=90)
    counts = tally((DAY, "de", 3, 9))
    layout, gone = planned(counts, own, shared, others, replaced=frozenset({"demo"}))
    assert gone == (own, shared)
    assert layout.files == {"2026-01/de": 1, "2025-01/fr": 1}


def test_plan_layout_of_an_output_without_rows_for_the_table_touches_nothing():
    assert planned(tally((DAY, "de", 3, 0.0)), file("2026-01/de", "b"))[1] == ()


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
    {"2026-01/de": "de", "2026-01/fr": "other", f"{NO_DATE}/de": "other"},
    {"2026-01/de": 2, "2026-01/other": 1},
)


def test_placed_rows_have_their_group_and_are_dealt_out_to_files():
    table = rows((DAY, "de"), (DAY, "fr"), (DAY, "de"), (None, "de"), (DAY, "de"))
    placed = LAYOUT.placed(table, first=0)
    assert placed["language_group"].to_pylist() == ["de", "other", "de", "other", "de"]
    assert placed["language"].to_pylist() == ["de", "fr", "de", "de", "de"]
    assert placed[FILE.name].to_pylist() == [
        "2026-01/de/0",
        "2026-01/other/0",
        "2026-01/de/0",
        f"{NO_DATE}/other/0",
        "2026-01/de/0",
    ]


def test_placed_rows_go_to_all_files_of_a_partition():
    placed = LAYOUT.placed(rows(*[(DAY, "de")] * 4), first=7)
    assert [file_number(key) for key in placed[FILE.name].to_pylist()] == [1, 0, 1, 0]


def test_placed_no_rows_are_no_rows():
    assert LAYOUT.placed(rows(), first=3).num_rows == 0


def test_placed_rows_of_before_keep_their_group():
    before = rows((DAY, "de"), (DAY, "fr"))
    groups = pa.array(["other", "other"])
    placed = LAYOUT.placed(before.set_column(2, "language_group", groups), first=0)
    assert placed["language_group"].to_pylist() == ["other", "other"]
    assert placed[FILE.name].to_pylist() == ["2026-01/other/0"] * 2
