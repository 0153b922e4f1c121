"""Which partition each row goes to, and which files are rewritten."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config.tables import Granularity, LayoutSettings
from pipeline.tables.data_files import PARTITION, TableFile
from pipeline.tables.dates import NO_DATE
from pipeline.tables.layout import Layout, plan_layout
from pipeline.tables.tally import TALLY

DAY, NEXT_MONTH = dt.date(2026, 1, 30), dt.date(2026, 2, 1)


def tally(*counts: tuple[dt.date | None, str, int]) -> pa.Table:
    """(date, language, records)."""
    rows = [{"source": "demo", "date": d, "language": tag, "records": n} for d, tag, n in counts]
    return pa.Table.from_pylist(rows, TALLY)


def layout(*counts: tuple[dt.date | None, str, int]) -> Layout:
    return plan_layout(tally(*counts), LayoutSettings(dates=Granularity.MONTH, min_rows=3))


def file(partition: str, first: str, last: str | None = None, size: int = 10) -> TableFile:
    scan: Any = SimpleNamespace(file=SimpleNamespace(file_size_in_bytes=size))
    return TableFile(scan, partition, first, last or first)


def test_plan_layout_groups_languages_with_few_rows_in_a_month_as_other():
    found = layout((DAY, "de", 2), (dt.date(2026, 1, 2), "de", 1), (DAY, "fr", 2))
    assert found.groups == {"2026-01/de": "de", "2026-01/fr": "other"}


def test_plan_layout_groups_each_month_by_itself():
    found = layout((DAY, "de", 3), (NEXT_MONTH, "de", 2), (None, "de", 3))
    assert found.groups == {"2026-01/de": "de", "2026-02/de": "other", f"{NO_DATE}/de": "de"}


def test_rewritten_are_small_files_where_rows_come():
    small, large = file("2026-01/de", "b", size=10), file("2026-01/de", "b", size=50)
    elsewhere = file("2026-02/de", "b")
    found = layout((DAY, "de", 3)).rewritten((small, large, elsewhere), frozenset(), 100)
    assert found == (small,)


def test_rewritten_are_files_of_what_is_replaced():
    own, shared = file("2025-01/de", "demo", size=90), file("2025-01/fr", "a", "z", size=90)
    others = file("2025-01/it", "a", "b", size=90)
    found = layout((DAY, "de", 3)).rewritten((own, shared, others), {"demo"}, 100)
    assert found == (own, shared)


def test_rewritten_where_no_rows_come_are_none():
    assert layout().rewritten((file("2026-01/de", "b"),), frozenset(), 100) == ()


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
    Granularity.MONTH, {"2026-01/de": "de", "2026-01/fr": "other", f"{NO_DATE}/de": "other"}
)


def test_placed_rows_have_their_group_and_partition():
    placed = LAYOUT.placed(rows((DAY, "de"), (DAY, "fr"), (None, "de")))
    assert placed["language_group"].to_pylist() == ["de", "other", "other"]
    assert placed["language"].to_pylist() == ["de", "fr", "de"]
    assert placed[PARTITION.name].to_pylist() == [
        "2026-01/de",
        "2026-01/other",
        f"{NO_DATE}/other",
    ]


def test_placed_no_rows_are_no_rows():
    assert LAYOUT.placed(rows()).num_rows == 0


@pytest.mark.parametrize("layout", [LAYOUT, Layout(Granularity.MONTH, {})])
def test_placed_rows_of_before_keep_their_group(layout: Layout):
    before = rows((DAY, "de"), (DAY, "fr"))
    groups = pa.array(["other", "other"])
    placed = layout.placed(before.set_column(2, "language_group", groups))
    assert placed["language_group"].to_pylist() == ["other", "other"]
    assert placed[PARTITION.name].to_pylist() == ["2026-01/other"] * 2
