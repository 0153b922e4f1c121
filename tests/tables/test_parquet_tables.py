"""Snapshots of Parquet tables."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config.tables import Granularity, ParquetSettings
from pipeline.errors import ConfigError, OutputError
from pipeline.storage import Store
from pipeline.tables.columns import DOCUMENTS, LABELS
from pipeline.tables.destination import Commit, Standing
from pipeline.tables.parquet_tables import SNAPSHOTS, ParquetTables
from pipeline.tables.table_files import Partition, TableFile

SCHEMA = pa.schema(
    [("source", pa.string()), ("language_group", pa.string()), ("v", pa.list_(pa.float32()))]
)
ROWS = pa.table({"source": ["demo"], "language_group": ["de"], "v": [[1.0]]}, SCHEMA)
PLACE = Partition("2026-01", "de")


def opened(folder: Path, keep: int = 10, dates: Granularity = Granularity.MONTH) -> ParquetTables:
    settings = ParquetSettings(type="parquet", uri=str(folder / "tables"), keep_snapshots=keep)
    return ParquetTables.open(settings, dates)


def written(tables: ParquetTables, plan: str, table: str = DOCUMENTS) -> TableFile:
    return tables.target(table, SCHEMA, plan).write(ROWS, PLACE)


def commit(
    tables: ParquetTables, plan: str, gone: tuple[TableFile, ...] = (), table: str = DOCUMENTS
) -> TableFile:
    file = written(tables, plan, table)
    tables.commit({table: Commit({"demo": plan}, SCHEMA, gone, (file,))})
    return file


def test_standing_of_a_table_that_is_not_there_is_empty(tmp_path: Path):
    assert opened(tmp_path).standing(DOCUMENTS) == Standing()


def test_standing_is_what_was_committed(tmp_path: Path):
    file = commit(opened(tmp_path), "one")
    standing = opened(tmp_path).standing(DOCUMENTS)
    assert standing == Standing("1", SCHEMA, {"demo": "one"}, (file,))
    assert opened(tmp_path).standing(LABELS) == Standing()


def test_files_without_a_snapshot_are_not_there(tmp_path: Path):
    written(opened(tmp_path), "one")
    assert opened(tmp_path).standing(DOCUMENTS) == Standing()


def test_commit_of_one_table_keeps_the_others(tmp_path: Path):
    first = commit(opened(tmp_path), "one")
    other = commit(opened(tmp_path), "two", table=LABELS)
    assert opened(tmp_path).standing(DOCUMENTS).files == (first,)
    assert opened(tmp_path).standing(LABELS).files == (other,)


def test_commit_takes_out_what_is_gone_and_leaves_it_to_readers_of_before(tmp_path: Path):
    first = commit(opened(tmp_path), "one")
    second = commit(opened(tmp_path), "two", gone=(first,))
    assert opened(tmp_path).standing(DOCUMENTS).files == (second,)
    assert Path(first.uri.removeprefix("file://")).exists()


def test_commit_after_another_run_is_refused_and_changes_nothing(tmp_path: Path):
    slow = opened(tmp_path)
    first = commit(opened(tmp_path), "one")
    with pytest.raises(OutputError, match=r"00000001\.json since this one began"):
        commit(slow, "two")
    assert opened(tmp_path).standing(DOCUMENTS).files == (first,)


def test_commit_deletes_snapshots_and_files_that_are_not_kept(tmp_path: Path):
    files: list[TableFile] = []
    for plan in ("one", "two", "three", "four"):
        files.append(commit(opened(tmp_path, keep=2), plan, gone=tuple(files[-1:])))
    store = Store.open(str(tmp_path / "tables"))
    assert list(store.listing(SNAPSHOTS)) == [f"{SNAPSHOTS}/0000000{n}.json" for n in (3, 4)]
    assert [store.uri_of(path) for path in store.listing(DOCUMENTS)] == sorted(
        file.uri for file in files[2:]
    )


def test_target_leaves_the_partitions_column_to_the_folders(tmp_path: Path):
    target = opened(tmp_path).target(DOCUMENTS, SCHEMA, "plan")
    assert target.schema.names == ["source", "v"]
    assert target.never_empty


def test_open_with_other_dates_is_refused(tmp_path: Path):
    commit(opened(tmp_path), "one")
    with pytest.raises(ConfigError, match=r"partitioned by month, and layout\.dates is day"):
        opened(tmp_path, dates=Granularity.DAY)


@pytest.mark.parametrize("body", [b"{}", b'{"version": 0, "number": 1}', b"no JSON"])
def test_open_a_snapshot_of_another_version_is_refused(tmp_path: Path, body: bytes):
    Store.open(str(tmp_path / "tables")).create(f"{SNAPSHOTS}/00000001.json", body)
    with pytest.raises(OutputError, match="no snapshot of this version"):
        opened(tmp_path)
