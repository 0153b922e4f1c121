"""Dates of records, and the spans that they are in."""

import datetime as dt

import pyarrow as pa
import pytest

from pipeline.config.tables import Granularity
from pipeline.errors import SchemaError
from pipeline.tables.dates import NO_DATE, DateRule, date_groups
from tests.helpers.parquet_files import raw_strings

BY_COLUMN = DateRule(None, "when")
DAY = dt.date(2026, 1, 2)


def dates_of(values: pa.Array) -> list[dt.date | None]:
    found: list[dt.date | None] = BY_COLUMN.dates(pa.table({"when": values})).to_pylist()
    return found


def test_dates_one_day_is_that_of_all_records():
    rule = DateRule(DAY, None)
    assert rule.columns == ()
    assert rule.dates(pa.table({"x": [1, 2]})).to_pylist() == [DAY, DAY]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([DAY, None]),
        pa.array([DAY, None], pa.date64()),
        pa.array([dt.datetime(2026, 1, 2, 23, 59), None], pa.timestamp("ns")),
        pa.array(["2026-01-02", None]),
        pa.array(["2026-01-02T23:59:00+01:00", None], pa.large_string()),
        pa.array(["2026-01-02", None]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_dates_of_each_kind_of_column(values: pa.Array):
    assert dates_of(values) == [DAY, None]


def test_dates_of_timestamps_with_a_zone_count_by_utc():
    late = dt.datetime(2026, 1, 2, 1, 0, tzinfo=dt.UTC)
    assert dates_of(pa.array([late], pa.timestamp("us", "America/New_York"))) == [DAY]


FAR = 2**40


@pytest.mark.parametrize(
    "values",
    [
        pa.array([-FAR, 10**9, FAR], pa.int64()).view(pa.timestamp("s")),
        pa.array([-(2**62), 10**12, 2**62], pa.int64()).view(pa.timestamp("ms", "UTC")),
        pa.array([-719163, 11574, 2932897], pa.int32()).view(pa.date32()),
        pa.array([-(2**62), 10**12, 2**62], pa.int64()).view(pa.date64()),
        pa.array(["0000-12-31", "2001-09-09", "99999-01-01"]),
        pa.array(["0000-12-31", "2001-09-09", None]).dictionary_encode(),
        raw_strings([b"2001-09-\xff", b"2001-09-09", b"\xff"]),
    ],
    ids=lambda values: str(values.type),
)
def test_dates_outside_the_years_1_to_9999_are_null_and_have_a_group(values: pa.Array):
    assert dates_of(values) == [None, dt.date(2001, 9, 9), None]
    dates = BY_COLUMN.dates(pa.table({"when": values}))
    assert date_groups(dates, Granularity.YEAR).to_pylist() == [NO_DATE, "2001", NO_DATE]


def test_dates_of_strings_that_are_none_are_null():
    strange = ["", "yesterday", "2026-13-01", "2026-02-31", "02.01.2026", "2026-1-2"]
    assert dates_of(pa.array(strange)) == [None] * len(strange)


def test_require_a_column_that_can_be_no_date_names_it():
    schema = pa.schema([("when", pa.int64())])
    with pytest.raises(SchemaError, match=r"when of out is int64; expected dates"):
        BY_COLUMN.require(schema, "out")
    DateRule(DAY, None).require(schema, "out")


def test_date_groups_are_days_months_or_years():
    dates = pa.array([DAY, None])
    found = [date_groups(dates, granularity).to_pylist() for granularity in Granularity]
    assert found == [["2026-01-02", NO_DATE], ["2026-01", NO_DATE], ["2026", NO_DATE]]
