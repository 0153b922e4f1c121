"""Parts opened for some of their columns."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError, OutputError, SchemaError
from pipeline.tables.dates import DateRule
from pipeline.tables.source import (
    CommittedPart,
    Origin,
    Source,
    column_bytes,
    opened,
    read,
    schema_of,
)

TABLE = pa.table({"a": [1, 2], "b": ["x", "y"], "c": [[{"d": 1}], []]})


@pytest.fixture
def file(tmp_path: Path) -> tuple[str, int]:
    path = tmp_path / "part.parquet"
    pq.write_table(TABLE, path)
    return f"file://{path}", path.stat().st_size


def test_read_gives_the_columns_that_are_there_and_asked_for(file: tuple[str, int]):
    with opened(*file) as parquet:
        assert read(parquet, {"b", "z"}).to_pydict() == {"b": ["x", "y"]}


def test_opened_part_of_its_schema_is_open(file: tuple[str, int]):
    with opened(*file, TABLE.schema) as parquet:
        assert schema_of(parquet).equals(TABLE.schema)


def test_opened_part_of_another_schema_names_what_differs(file: tuple[str, int]):
    others = TABLE.schema.set(0, pa.field("a", pa.int32()))
    with pytest.raises(SchemaError, match=r"differ in a: int32, a: int64"):
        with opened(*file, others):
            pass


def test_opened_part_of_another_size_is_refused(file: tuple[str, int]):
    with pytest.raises(OutputError, match=f"{file[1]} bytes; 7 were committed"):
        with opened(file[0], 7):
            pass


def test_opened_part_that_is_gone_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(InputError, match=r"no\.parquet: nothing is there"):
        with opened(f"file://{tmp_path}/no.parquet", 1):
            pass


def test_column_bytes_are_of_all_that_is_in_a_column(file: tuple[str, int]):
    with opened(*file) as parquet:
        every = [parquet.metadata.row_group(0).column(place) for place in range(3)]
        sizes = [chunk.total_compressed_size for chunk in every]
        assert column_bytes(parquet) == dict(zip("abc", sizes, strict=True))


def test_estimated_bytes_are_the_columns_share_of_all_parts():
    parts = tuple(CommittedPart("uri", size, "", "", "", (), ()) for size in (100, 300))
    rule = DateRule(dt.date(2026, 1, 1), None)
    origin = Origin("demo", rule, TABLE.schema, (), None, (), (), {"a": 10, "b": 20, "c": 10})
    assert Source("uri", "f", origin, parts).estimated_bytes({"b", "unknown"}) == 200


def test_read_of_damaged_pages_names_the_file(file: tuple[str, int]):
    path = Path(file[0].removeprefix("file://"))
    body = bytearray(path.read_bytes())
    body[4:60] = bytes(56)
    path.write_bytes(body)
    with pytest.raises(InputError, match=r"part\.parquet"):
        with opened(*file) as parquet:
            read(parquet, {"a"})
