"""One odd value does not stop the tables: it is null there, and all others are what they were."""

import datetime as dt
import decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipeline.config.tables import DestinationSettings, Granularity
from pipeline.tables.columns import DOCUMENTS, SCHEMAS, conformed, grown
from pipeline.tables.data_files import DataFiles, files_of
from pipeline.tables.iceberg import IcebergTables, commit
from pipeline.tables.layout import Layout
from pipeline.tables.storable import storable
from tests.helpers.parquet_files import raw_strings

STRINGS = raw_strings([b"ok", b"\xff\xfe", None])
ENDLESS = [-(2**62), 1, 2**62]


def counts(values: list[int | None], kind: pa.DataType) -> pa.Array:
    return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)


SECOND = dt.datetime(1970, 1, 1, 0, 0, 1)
DATES = counts([-(10**9), 0, 10**9], pa.date32())
ODD = {
    "string": (STRINGS, ["ok", None, None]),
    "list": (pa.ListArray.from_arrays([0, 1, 2, 3], STRINGS), [["ok"], None, [None]]),
    "struct": (pa.StructArray.from_arrays([STRINGS], ["a"]), [{"a": "ok"}, None, {"a": None}]),
    "map": (
        pa.MapArray.from_arrays([0, 1, 2, 2], STRINGS[:2], pa.array([1, 2])),
        [[("ok", 1)], None, []],
    ),
    "dictionary": (
        pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), STRINGS[:2]),
        ["ok", None, None],
    ),
    "date": (
        counts([-719163, -719162, 2932897], pa.date32()),
        [None, dt.date(1, 1, 1), None],
    ),
    "date64": (counts([*ENDLESS[:2], 2**62], pa.date64()), [None, dt.date(1970, 1, 1), None]),
    "dates in lists": (
        pa.ListArray.from_arrays([0, 1, 2, 3], DATES),
        [None, [dt.date(1970, 1, 1)], None],
    ),
    "seconds": (counts(ENDLESS, pa.timestamp("s")), [None, SECOND, None]),
    "milliseconds": (
        counts(ENDLESS, pa.timestamp("ms", "Europe/Berlin")),
        [None, dt.datetime(1970, 1, 1, 0, 0, 0, 1000, dt.UTC), None],
    ),
    "microseconds": (
        counts(ENDLESS, pa.timestamp("us")),
        [None, dt.datetime(1970, 1, 1, 0, 0, 0, 1), None],
    ),
    "nanoseconds": (
        counts([1999, None, 0], pa.timestamp("ns")),
        [dt.datetime(1970, 1, 1, 0, 0, 0, 1), None, dt.datetime(1970, 1, 1)],
    ),
    "time": (counts([86_400, -1, 1], pa.time32("s")), [None, None, dt.time(0, 0, 1)]),
    "time in ns": (counts([1001, 2**62, -1], pa.time64("ns")), [dt.time(0, 0, 0, 1), None, None]),
    "float": (pa.array([np.inf, -0.0, None]), [np.inf, 0.0, None]),
    "uint64": (pa.array([2**64 - 1, 0, None], pa.uint64()), [decimal.Decimal(2**64 - 1), 0, None]),
    "decimal": (
        pa.array([decimal.Decimal("9" * 38), None, None], pa.decimal256(38, 0)),
        [decimal.Decimal("9" * 38), None, None],
    ),
    "null byte": (pa.array(["\0", "", "x" * 100_000]), ["\0", "", "x" * 100_000]),
    "bytes": (pa.array([b"\xff", b"", None]), [b"\xff", b"", None]),
}


@pytest.mark.parametrize(("column", "values"), ODD.values(), ids=ODD)
def test_odd_values_are_null_in_the_table_and_others_as_they_were(
    tmp_path: Path, column: pa.Array, values: list[object]
):
    rows = pa.table(
        {
            "source": ["demo"] * 3,
            "record_id": [f"{'long' * 50_000}{row}" for row in range(3)],
            "date": [dt.date(1, 1, 1), dt.date(9999, 12, 31), None],
            "language": ["de"] * 3,
            "odd": column,
        }
    )
    table = written(tmp_path, rows)
    read = DataFiles(table.metadata, table.io)
    found = pa.concat_tables([read.rows(file.scan) for file in files_of(table)])
    assert found.sort_by("record_id")["odd"].to_pylist() == values
    parts = [str(path) for path in tmp_path.rglob("*.parquet")]
    read_by_duckdb = duckdb.sql(f"select odd::varchar from read_parquet({parts})")
    assert len(read_by_duckdb.fetchall()) == 3


def written(folder: Path, rows: pa.Table):
    """``rows`` as a table ``documents`` in a catalog below ``folder``."""
    catalog = {"type": "sqlite", "path": f"{folder}/c.db", "warehouse": f"{folder}/wh"}
    destination = DestinationSettings.model_validate({"catalog": catalog})
    tables = IcebergTables.open(destination, Granularity.DAY)
    schema = grown(pa.schema([]), ("every", SCHEMAS[DOCUMENTS]), ("demo", rows.schema))
    change = tables.begin(DOCUMENTS, None, schema)
    files = DataFiles(change.table_metadata, change._table.io)
    days = ("0001-01-01", "9999-12-31", "__HIVE_DEFAULT_PARTITION__")
    layout = Layout(Granularity.DAY, {f"{day}/de": "de" for day in days})
    commit(change, {}, (), files.write(layout.placed(conformed(rows, files.schema))))
    table = tables.load(DOCUMENTS)
    assert table is not None
    assert {file.partition for file in files_of(table)} == {f"{day}/de" for day in days}
    return table


def test_storable_nan_stays_what_it_is():
    (value,) = storable(pa.chunked_array([pa.array([np.nan], pa.float16())]), pa.float32())
    assert np.isnan(value.as_py())
