"""Files of a table: what is in them, and that they are created once."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import OutputError
from pipeline.storage import Store
from pipeline.tables.table_files import UNPARTITIONED, Partition, TableFile, Target

SCHEMA = pa.schema([("source", pa.string()), ("record_id", pa.string()), ("n", pa.float32())])
ROWS = pa.table({"n": [1, 2, 3], "record_id": ["b", "c", "a"], "source": ["y", "x", "y"]})
PLACE = Partition("2026-01", "zh-Hans")


def table_of(store: Store, file: TableFile) -> pa.Table:
    body = store.read(file.uri.removeprefix(f"{store.uri}/"))
    return pq.read_table(pa.BufferReader(body))


def test_write_sorts_casts_and_says_what_is_in_the_file(local_store: Store):
    target = Target(local_store, "documents", SCHEMA, "plan")
    file = target.write(ROWS, PLACE, 3)
    folders = "documents/date_group=2026-01/language_group=zh-Hans"
    assert file.uri == f"{local_store.uri}/{folders}/part-plan-00003.parquet"
    table = table_of(local_store, file)
    assert table.schema.equals(SCHEMA)
    assert table.to_pydict() == {
        "source": ["y", "y", "x"],
        "record_id": ["a", "b", "c"],
        "n": [3.0, 1.0, 2.0],
    }
    assert (file.rows, file.first_source, file.last_source) == (3, "x", "y")
    assert [file.bytes] == list(local_store.listing("documents").values())


def test_write_of_a_table_without_partitions_has_no_folders(local_store: Store):
    file = Target(local_store, "languages", SCHEMA, "plan").write(ROWS, UNPARTITIONED)
    assert file.uri.endswith("/out/languages/part-plan-00000.parquet")


def test_write_without_rows_is_a_file_that_holds_no_source(local_store: Store):
    target = Target(local_store, "labels", SCHEMA, "plan")
    file = target.write(SCHEMA.empty_table(), PLACE)
    assert file.rows == 0
    assert not file.may_hold({"x", "y"})


def test_write_again_adopts_what_the_same_plan_wrote(local_store: Store):
    target = Target(local_store, "documents", SCHEMA, "plan")
    first = target.write(ROWS, PLACE)
    assert target.write(ROWS, PLACE) == first
    assert len(local_store.listing("documents")) == 1


@pytest.mark.parametrize("body", [b"torn", None])
def test_write_where_something_else_stands_is_refused(local_store: Store, body: bytes | None):
    target = Target(local_store, "documents", SCHEMA, "plan")
    path = target.write(ROWS, PLACE).uri.removeprefix(f"{local_store.uri}/")
    if body:
        local_store.replace(path, body)
    with pytest.raises(OutputError, match=r"no file of 2 rows.*Delete it"):
        target.write(ROWS.slice(1), PLACE)


def test_partition_is_given_back_by_its_folders():
    strange = Partition("2026-01", "x/y=z %")
    assert Partition.parse(str(strange)) == strange
    assert str(strange) == "date_group=2026-01/language_group=x%2Fy%3Dz%20%25"


def test_file_may_hold_what_is_between_its_first_and_last_source():
    file = TableFile(uri="u", rows=1, bytes=1, partition=PLACE, first_source="b", last_source="d")
    assert file.may_hold({"a", "c"})
    assert not file.may_hold({"a", "e"})
    assert not file.holds_only({"b", "c", "d"}), "what is between is not known"
    assert file.model_copy(update={"last_source": "b"}).holds_only({"b"})
    assert TableFile.model_validate_json(file.model_dump_json()) == file
