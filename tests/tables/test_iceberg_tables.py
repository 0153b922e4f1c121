"""Iceberg tables in an SQLite catalog."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config.tables import Granularity, IcebergSettings
from pipeline.errors import ConfigError, OutputError
from pipeline.tables.catalog import open_catalog
from pipeline.tables.columns import DOCUMENTS, LABELS, LANGUAGES, SCHEMAS, grown
from pipeline.tables.dates import NO_DATE
from pipeline.tables.destination import Commit, Standing
from pipeline.tables.iceberg_tables import IcebergTables
from pipeline.tables.table_files import UNPARTITIONED, Partition, TableFile

LABEL = SCHEMAS[LABELS]
DAY = dt.date(2026, 1, 2)


def settings(folder: Path, namespace: str = "xmod") -> IcebergSettings:
    catalog = {"type": "sqlite", "path": f"{folder}/c/c.db", "warehouse": f"{folder}/wh"}
    return IcebergSettings.model_validate(
        {"type": "iceberg", "namespace": namespace, "catalog": catalog}
    )


def opened(folder: Path, dates: Granularity = Granularity.MONTH) -> IcebergTables:
    return IcebergTables.open(settings(folder), dates)


def row(source: str = "demo", date: dt.date | None = DAY, **values: object) -> dict[str, object]:
    return {"source": source, "record_id": "x", "date": date, "language_group": "de", **values}


def commit(
    tables: IcebergTables,
    *rows: dict[str, object],
    plan: str = "plan",
    gone: tuple[TableFile, ...] = (),
    schema: pa.Schema = LABEL,
    look: bool = True,
) -> TableFile:
    """Rows of one partition, committed as labels; their file."""
    if look:
        tables.standing(LABELS)
    target = tables.target(LABELS, schema, plan)
    place = Partition(str(rows[0]["date"])[:7], "de")
    file = target.write(pa.Table.from_pylist(list(rows), schema), place)
    tables.commit({LABELS: Commit({"demo": plan}, schema, gone, (file,))})
    return file


def scanned(folder: Path, table: str = LABELS) -> list[dict[str, object]]:
    found = open_catalog(settings(folder)).load_table(("xmod", table))
    rows: list[dict[str, object]] = found.scan().to_arrow().to_pylist()
    return rows


def test_standing_of_a_table_that_is_not_there_is_empty(tmp_path: Path):
    assert opened(tmp_path).standing(LABELS) == Standing()


def test_standing_is_what_was_committed(tmp_path: Path):
    file = commit(opened(tmp_path), row("a"), row("b", label="news", score=0.5))
    standing = opened(tmp_path).standing(LABELS)
    assert standing.schema.equals(LABEL)
    assert standing.states == {"demo": "plan"}
    assert standing.files == (file,)
    assert (file.first_source, file.last_source) == ("a", "b")
    assert [(r["source"], r["label"]) for r in scanned(tmp_path)] == [("a", None), ("b", "news")]


@pytest.mark.parametrize(
    ("dates", "span"), [("day", "2026-01-02"), ("month", "2026-01"), ("year", "2026")]
)
def test_standing_files_are_in_the_partition_of_their_dates(tmp_path: Path, dates: str, span: str):
    tables = opened(tmp_path, Granularity(dates))
    commit(tables, row())
    commit(tables, row(date=None), plan="next")
    places = {file.partition for file in tables.standing(LABELS).files}
    assert places == {Partition(span, "de"), Partition(NO_DATE, "de")}


def test_standing_source_names_that_are_long_are_not_cut(tmp_path: Path):
    name = f"s3://bucket/{'folder/' * 20}"
    commit(opened(tmp_path), row(name))
    assert opened(tmp_path).standing(LABELS).files[0].holds_only({name})


def test_commit_is_one_snapshot_that_takes_out_and_adds(tmp_path: Path):
    tables = opened(tmp_path)
    first = commit(tables, row(label="old"))
    commit(tables, row(label="new"), plan="next", gone=(first,))
    found = open_catalog(settings(tmp_path)).load_table(("xmod", LABELS))
    assert [snapshot.summary.operation.value for snapshot in found.snapshots()] == [
        "append",
        "overwrite",
    ]
    assert [r["label"] for r in scanned(tmp_path)] == ["new"]
    before = found.scan(snapshot_id=found.snapshots()[0].snapshot_id).to_arrow()
    assert before["label"].to_pylist() == ["old"]


def test_commit_with_a_new_column_leaves_rows_of_before_readable(tmp_path: Path):
    tables = opened(tmp_path)
    commit(tables, row())
    wider = grown(LABEL, ("demo", pa.schema([("v", pa.list_(pa.float16(), 1))])))
    commit(tables, row(v=[0.5]), plan="next", schema=wider)
    assert sorted(str(r["v"]) for r in scanned(tmp_path)) == ["None", "[0.5]"]
    assert opened(tmp_path).standing(LABELS).schema.equals(wider)


def test_commit_after_another_run_is_refused_and_changes_nothing(tmp_path: Path):
    commit(opened(tmp_path), row(label="first"))
    slow, fast = opened(tmp_path), opened(tmp_path)
    slow.standing(LABELS)
    target = slow.target(LABELS, LABEL, "slow")
    file = target.write(
        pa.Table.from_pylist([row(label="slow")], LABEL), Partition("2026-01", "de")
    )
    commit(fast, row(label="fast"), plan="fast")
    with pytest.raises(OutputError, match=r"changed the table xmod\.labels since this one"):
        slow.commit({LABELS: Commit({}, LABEL, (), (file,))})
    assert sorted(str(r["label"]) for r in scanned(tmp_path)) == ["fast", "first"]


def test_commit_after_another_run_that_the_plan_did_not_see_is_refused(tmp_path: Path):
    commit(opened(tmp_path), row(label="first"))
    slow = opened(tmp_path)
    slow.standing(LABELS)
    commit(opened(tmp_path), row(label="fast"), plan="fast")
    with pytest.raises(OutputError, match=r"changed the table xmod\.labels"):
        commit(slow, row(label="slow"), plan="slow", look=False)


def test_first_commit_after_another_runs_first_is_refused(tmp_path: Path):
    slow = opened(tmp_path)
    slow.standing(LABELS)
    commit(opened(tmp_path), row(label="fast"))
    with pytest.raises(OutputError, match=r"changed the table xmod\.labels"):
        commit(slow, row(label="slow"), plan="slow", look=False)
    assert [r["label"] for r in scanned(tmp_path)] == ["fast"]


def test_commit_without_rows_makes_no_snapshot_and_is_remembered(tmp_path: Path):
    tables = opened(tmp_path)
    tables.target(LABELS, LABEL, "plan")
    tables.commit({LABELS: Commit({"demo": "plan"}, LABEL, (), ())})
    found = open_catalog(settings(tmp_path)).load_table(("xmod", LABELS))
    assert found.snapshots() == []
    assert opened(tmp_path).standing(LABELS).states == {"demo": "plan"}


def test_languages_have_no_partitions(tmp_path: Path):
    tables, schema = opened(tmp_path), SCHEMAS[LANGUAGES]
    rows = pa.Table.from_pylist([{"source": "demo", "records": 2}], schema)
    file = tables.target(LANGUAGES, schema, "plan").write(rows, UNPARTITIONED)
    tables.commit({LANGUAGES: Commit({}, schema, (), (file,))})
    assert tables.standing(LANGUAGES).files == (file,)
    assert [r["records"] for r in scanned(tmp_path, LANGUAGES)] == [2]


def test_files_are_read_by_readers_who_know_only_field_ids(tmp_path: Path):
    file = commit(opened(tmp_path), row(label="news"))
    found = open_catalog(settings(tmp_path)).load_table(("xmod", LABELS))
    with found.update_schema() as update:
        update.rename_column("label", "class")
    assert [r["class"] for r in scanned(tmp_path)] == ["news"]
    assert file.rows == 1


def test_standing_of_a_table_partitioned_by_other_dates_is_refused(tmp_path: Path):
    commit(opened(tmp_path), row())
    with pytest.raises(ConfigError, match=r"xmod\.labels is partitioned by month .* is day"):
        opened(tmp_path, Granularity.DAY).standing(LABELS)


def test_standing_of_a_table_of_somebody_else_is_refused(tmp_path: Path):
    catalog = open_catalog(settings(tmp_path))
    catalog.create_namespace("xmod")
    catalog.create_table(("xmod", DOCUMENTS), pa.schema([("a", pa.int32())]))
    with pytest.raises(OutputError, match=r"xmod\.documents is not one that this version"):
        opened(tmp_path).standing(DOCUMENTS)


def test_states_of_outputs_are_among_the_tables_properties(tmp_path: Path):
    commit(opened(tmp_path), row())
    found = open_catalog(settings(tmp_path)).load_table(("xmod", LABELS))
    assert json.loads(found.properties["xmod.sources"]) == {"demo": "plan"}
