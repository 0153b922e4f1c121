"""Parts opened for some of their columns."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError, OutputError, SchemaError
from pipeline.tables.dates import DateRule
from pipeline.tables.source import CommittedPart, Origin, Source, column_bytes, opened

TABLE = pa.table({"a": [1, 2], "b": ["x", "y"], "c": [[{"d": 1}], []]})
SIZES = {"a": 10, "b": 20, "c": 10}


def part(uri: str, size: int, schema: pa.Schema = TABLE.schema) -> CommittedPart:
    rule = DateRule(dt.date(2026, 1, 1), None)
    origin = Origin("demo", rule, schema, (), None, (), (), SIZES)
    return CommittedPart(origin, uri, size, "", "", "", (), ())


@pytest.fixture
def file(tmp_path: Path) -> tuple[str, int]:
    path = tmp_path / "part.parquet"
    pq.write_table(TABLE, path)
    return f"file://{path}", path.stat().st_size


def test_read_gives_the_columns_that_are_there_and_asked_for(file: tuple[str, int]):
    assert part(*file).read({"b", "z"}).to_pydict() == {"b": ["x", "y"]}


def test_read_of_a_part_of_another_schema_names_what_differs(file: tuple[str, int]):
    others = TABLE.schema.set(0, pa.field("a", pa.int32()))
    with pytest.raises(SchemaError, match=r"differ in a: int32, a: int64"):
        part(*file, others).read({"b"})


def test_read_of_a_part_of_another_size_is_refused(file: tuple[str, int]):
    with pytest.raises(OutputError, match=f"{file[1]} bytes; 7 were committed"):
        part(file[0], 7).read({"b"})


def test_read_of_a_part_that_is_gone_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(InputError, match=r"no\.parquet: nothing is there"):
        part(f"file://{tmp_path}/no.parquet", 1).read({"b"})


def test_read_of_damaged_pages_names_the_file(file: tuple[str, int]):
    path = Path(file[0].removeprefix("file://"))
    body = bytearray(path.read_bytes())
    body[4:60] = bytes(56)
    path.write_bytes(body)
    with pytest.raises(InputError, match=r"part\.parquet"):
        part(*file).read({"a"})


def test_column_bytes_are_of_all_that_is_in_a_column(file: tuple[str, int]):
    with opened(*file) as parquet:
        every = [parquet.metadata.row_group(0).column(place) for place in range(3)]
        sizes = [chunk.total_compressed_size for chunk in every]
        assert column_bytes(parquet) == dict(zip("abc", sizes, strict=True))


def test_estimated_bytes_are_the_columns_share_of_all_parts():
    parts = (part("uri", 100), part("uri", 300))
    source = Source("uri", "f", parts[0].origin, parts)
    assert source.estimated_bytes({"b", "unknown"}) == 200
