"""Iceberg tables in an SQLite catalog, and their data files."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.table import Table

from pipeline.config.tables import DestinationSettings, Granularity
from pipeline.errors import ConfigError, OutputError
from pipeline.tables.columns import DOCUMENTS, LABELS, LANGUAGES, SCHEMAS, grown
from pipeline.tables.data_files import PARTITION, DataFiles, TableFile, files_of, plain_schema
from pipeline.tables.dates import NO_DATE
from pipeline.tables.iceberg import IcebergTables, commit, states_of

LABEL = SCHEMAS[LABELS]
DAY = dt.date(2026, 1, 2)


def opened(folder: Path, dates: Granularity = Granularity.MONTH) -> IcebergTables:
    catalog = {"type": "sqlite", "path": f"{folder}/c/c.db", "warehouse": f"{folder}/wh"}
    return IcebergTables.open(DestinationSettings.model_validate({"catalog": catalog}), dates)


def row(source: str = "demo", date: dt.date | None = DAY, **values: object) -> dict[str, object]:
    return {"source": source, "record_id": "x", "date": date, "language_group": "de", **values}


def committed(
    tables: IcebergTables,
    *rows: dict[str, object],
    seen: Table | None = None,
    plan: str = "plan",
    gone: tuple[TableFile, ...] = (),
    name: str = LABELS,
    schema: pa.Schema | None = None,
) -> Table:
    """The table after a commit of a file with ``rows`` to it as it was ``seen``."""
    schema = schema or SCHEMAS[name]
    change = tables.begin(name, seen, schema)
    files = DataFiles(change.table_metadata, change._table.io)
    added = files.write(pa.Table.from_pylist(list(rows), schema)) if rows else []
    commit(change, {"demo": plan}, gone, added)
    table = tables.load(name)
    assert table
    return table


def labels_of(table: Table) -> list[object]:
    labels: list[object] = table.scan().to_arrow()["label"].to_pylist()
    return sorted(labels, key=str)


def test_load_of_a_table_that_is_not_there_is_none(tmp_path: Path):
    assert opened(tmp_path).load(LABELS) is None
    assert states_of(None) == {}


def test_load_gives_what_was_committed(tmp_path: Path):
    committed(opened(tmp_path), row("a"), row("b", label="news", score=0.5))
    table = opened(tmp_path).load(LABELS)
    assert table
    assert plain_schema(table.metadata).equals(LABEL)
    assert states_of(table) == {"demo": "plan"}
    assert json.loads(table.properties["xmod.sources"]) == {"demo": "plan"}
    (file,) = files_of(table)
    assert (file.first_source, file.last_source) == ("a", "b")
    assert labels_of(table) == [None, "news"]


@pytest.mark.parametrize(
    ("dates", "folder"), [("day", "2026-01-02"), ("month", "2026-01"), ("year", "2026")]
)
def test_files_are_in_the_partition_of_their_dates(tmp_path: Path, dates: str, folder: str):
    tables = opened(tmp_path, Granularity(dates))
    first = committed(tables, row())
    second = committed(tables, row(date=None), seen=first)
    files = files_of(second)
    assert {file.partition for file in files} == {f"{folder}/de", f"{NO_DATE}/de"}
    path = f"labels/data/date_group={folder}/language_group=de/"
    assert any(path in file.scan.file.file_path for file in files)


def test_files_source_names_that_are_long_are_not_cut(tmp_path: Path):
    name = f"s3://bucket/{'folder/' * 20}"
    (file,) = files_of(committed(opened(tmp_path), row(name)))
    assert file.holds_only({name})


def test_commit_is_one_snapshot_that_takes_out_and_adds(tmp_path: Path):
    tables = opened(tmp_path)
    first = committed(tables, row(label="old"))
    second = committed(tables, row(label="new"), seen=first, plan="next", gone=files_of(first))
    found = [
        snapshot.summary.operation.value for snapshot in second.snapshots() if snapshot.summary
    ]
    assert found == ["append", "overwrite"]
    assert labels_of(second) == ["new"]
    before = second.scan(snapshot_id=second.snapshots()[0].snapshot_id).to_arrow()
    assert before["label"].to_pylist() == ["old"]


def test_commit_with_a_new_column_leaves_rows_of_before_readable(tmp_path: Path):
    tables = opened(tmp_path)
    first = committed(tables, row())
    wider = grown(LABEL, ("demo", pa.schema([("v", pa.list_(pa.float16(), 1))])))
    second = committed(tables, row(v=[0.5]), seen=first, plan="next", schema=wider)
    assert sorted(map(str, second.scan().to_arrow()["v"].to_pylist())) == ["None", "[0.5]"]
    assert plain_schema(second.metadata).equals(wider)
    files = DataFiles(second.metadata, second.io)
    rows = [files.rows(file.scan) for file in files_of(second)]
    assert all(table.schema.equals(wider) for table in rows)


def test_commit_after_another_runs_is_refused_and_changes_nothing(tmp_path: Path):
    tables = opened(tmp_path)
    seen = committed(tables, row(label="first"))
    committed(tables, row(label="fast"), seen=tables.load(LABELS), plan="fast")
    with pytest.raises(OutputError, match=r"changed table xmod\.labels since this one"):
        committed(tables, row(label="slow"), seen=seen, plan="slow")
    now = tables.load(LABELS)
    assert now
    assert labels_of(now) == ["fast", "first"]


def test_first_commit_after_another_runs_first_is_refused(tmp_path: Path):
    table = committed(opened(tmp_path), row(label="fast"))
    with pytest.raises(OutputError, match=r"changed table xmod\.labels"):
        committed(opened(tmp_path), row(label="slow"), plan="slow")
    assert labels_of(table.refresh()) == ["fast"]


def test_commit_without_rows_makes_no_snapshot_and_is_remembered(tmp_path: Path):
    assert committed(opened(tmp_path)).snapshots() == []
    assert states_of(opened(tmp_path).load(LABELS)) == {"demo": "plan"}


def test_languages_have_no_partitions(tmp_path: Path):
    table = committed(opened(tmp_path), {"source": "demo", "records": 2}, name=LANGUAGES)
    assert [file.partition for file in files_of(table)] == [""]
    assert table.scan().to_arrow()["records"].to_pylist() == [2]


def test_rows_are_sorted_and_those_of_some_outputs_left_out(tmp_path: Path):
    dates = [dt.date(2026, 1, day) for day in (3, 1, 2)]
    table = committed(
        opened(tmp_path), *(row(s, date=d) for s, d in zip("bab", dates, strict=True))
    )
    (file,) = files_of(table)
    files = DataFiles(table.metadata, table.io)
    assert files.rows(file.scan)["date"].to_pylist() == sorted(dates)
    assert files.rows(file.scan, {"b"})["source"].to_pylist() == ["a"]


def test_files_are_read_by_their_field_ids(tmp_path: Path):
    table = committed(opened(tmp_path), row(label="news"))
    with table.update_schema() as update:
        update.rename_column("label", "class")
    assert table.scan().to_arrow()["class"].to_pylist() == ["news"]


def test_write_is_a_file_for_each_partition(tmp_path: Path):
    change = opened(tmp_path).begin(LABELS, None, LABEL)
    later = dt.date(2026, 2, 1)
    rows = pa.Table.from_pylist([row(), row(date=later), row(), row(date=None)], LABEL)
    places = pa.array(["a", "b", "a", "c"])
    files = DataFiles(change.table_metadata, change._table.io).write(
        rows.append_column(PARTITION, places)
    )
    months = [(2026 - 1970) * 12, (2026 - 1970) * 12 + 1, None]
    assert [(f.partition[0], f.partition[1], f.record_count) for f in files] == [
        (month, "de", count) for month, count in zip(months, (2, 1, 1), strict=True)
    ]
    assert len({file.file_path for file in files}) == 3


def test_write_where_the_store_refuses_says_so(tmp_path: Path):
    change = opened(tmp_path).begin(LABELS, None, LABEL)
    Path(change.table_metadata.location.removeprefix("file://"), "data").write_text("no folder")
    files = DataFiles(change.table_metadata, change._table.io)
    with pytest.raises(OutputError, match=r"A request for .*xmod/labels failed: \w+Error"):
        files.write(pa.Table.from_pylist([row()], LABEL))


def test_file_may_hold_what_is_between_its_first_and_last_source(tmp_path: Path):
    (file,) = files_of(committed(opened(tmp_path), row("b"), row("d")))
    assert file.may_hold({"a", "c"})
    assert not file.may_hold({"a", "e"})
    assert not file.holds_only({"b", "c", "d"}), "what is between is not known"


def test_load_of_a_table_of_somebody_else_is_refused(tmp_path: Path):
    tables = opened(tmp_path)
    tables.catalog.create_namespace("xmod")
    tables.catalog.create_table(("xmod", DOCUMENTS), pa.schema([("a", pa.int32())]))
    with pytest.raises(OutputError, match=r"xmod\.documents is not one that this version"):
        tables.load(DOCUMENTS)


def test_load_with_other_dates_is_refused(tmp_path: Path):
    committed(opened(tmp_path), row())
    with pytest.raises(
        ConfigError, match=r"labels is partitioned by month, and layout\.dates is day"
    ):
        opened(tmp_path, Granularity.DAY).load(LABELS)
