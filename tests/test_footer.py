"""What a footer says, whether it comes with the file's end or from the opened file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_files import Foreign, foreign, write

from pipeline import footer
from pipeline.errors import InputError, SchemaError
from pipeline.footer import Footer, FooterReader
from pipeline.settings import InputSettings
from pipeline.storage import input_files
from pipeline.unit import SourceFile


def source_of(path: Path) -> SourceFile:
    (source,) = input_files(str(path))
    return source


def reader(**values: object) -> FooterReader:
    return FooterReader(InputSettings.model_validate({"uri": "corpus", **values}))


def wide(columns: int) -> pa.Table:
    """A table whose footer takes about 250 bytes a column."""
    return pa.table({"text": ["x"], **{f"column {number}": [number] for number in range(columns)}})


def test_footer_counts_rows_and_unfolded_bytes_of_all_row_groups(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["word"] * 50}, row_group_size=20)
    metadata = pq.read_metadata(path)
    sizes = [metadata.row_group(group).total_byte_size for group in range(3)]
    columns = pa.schema({"text": pa.string()})
    assert reader()(source_of(path)) == Footer(50, sum(sizes), columns)


def test_footer_without_rows_is_one(tmp_path: Path):
    path = write(tmp_path / "a.parquet", pa.table({"text": pa.array([], pa.string())}))
    assert reader()(source_of(path)).rows == 0


@pytest.mark.parametrize("columns", [1, 1000], ids=["within the tail", "longer than the tail"])
def test_footer_of_the_tail_is_that_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
):
    source = source_of(write(tmp_path / "a.parquet", wide(columns)))
    first = reader()(source)
    monkeypatch.setattr(footer, "read_tail", lambda _: None)
    assert reader()(source) == first
    assert len(first.columns) == columns + 1


def test_footer_longer_than_the_tail_is_meant_as_such(tmp_path: Path):
    path = write(tmp_path / "a.parquet", wide(1000))
    assert pq.read_metadata(path).serialized_size > 1 << 16


def test_footer_that_claims_more_than_the_file_has_is_damaged(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["x" * 200_000]}, use_dictionary=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + (1 << 30).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(InputError, match=f"file size is {len(whole)} bytes, smaller than"):
        reader()(source_of(path))


def test_footer_of_a_file_that_changed_since_it_was_found_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["x"]})
    source = source_of(path)
    write(path, {"text": ["x", "y"]})
    with pytest.raises(InputError, match="has changed since the job was planned"):
        reader()(source)


def test_columns_that_passed_are_the_same_object_each_time(tmp_path: Path):
    read = reader()
    first = write(tmp_path / "a.parquet", {"text": ["x"]})
    noted = pa.table({"text": ["x"]}).replace_schema_metadata({"pandas": '{"rows": 1}'})
    second = write(tmp_path / "b.parquet", noted)
    assert read(source_of(first)).columns is read(source_of(second)).columns


EVIL = {"ARROW:extension:name": "evil.kind"}
UNNAMED = [
    pa.field("x", pa.binary(), metadata=EVIL),
    pa.field("x", pa.list_(pa.field("element", pa.binary(), metadata=EVIL))),
    pa.field("x", pa.struct([pa.field("a", pa.binary(), metadata=EVIL)])),
]


@pytest.mark.parametrize("field", UNNAMED, ids=str)
def test_extension_type_is_refused_after_a_file_that_differs_in_nothing_else(
    tmp_path: Path, field: pa.Field
):
    read = reader()
    schema = pa.schema([pa.field("text", pa.string()), field])
    hostile = write(tmp_path / "b.parquet", schema.empty_table())
    plain = pq.read_table(hostile).cast(pa.schema([schema.field("text"), bare(field)]))
    assert read(source_of(write(tmp_path / "a.parquet", plain))).columns.names == ["text", "x"]
    for _ in range(2):
        with pytest.raises(SchemaError, match=r"the extension type 'evil\.kind'"):
            read(source_of(hostile))


def bare(field: pa.Field) -> pa.Field:
    """``field`` without metadata at any depth."""
    kind = field.type
    if pa.types.is_list(kind):
        kind = pa.list_(bare(kind.value_field))
    if pa.types.is_struct(kind):
        kind = pa.struct([bare(kind.field(place)) for place in range(kind.num_fields)])
    return pa.field(field.name, kind)


class Silent(Foreign):
    """A registered type that raises where it is asked to write its metadata again."""

    def __init__(self) -> None:
        super().__init__(pa.int64(), "test.silent")

    def __arrow_ext_serialize__(self) -> bytes:
        if getattr(self, "read", False):
            raise TypeError("the metadata's text")
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> "Foreign":
        found = cls()
        found.read = True
        return found


def test_registered_type_is_not_asked_for_its_metadata(tmp_path: Path):
    column = foreign(pa.array([1]), "test.silent")
    source = source_of(write(tmp_path / "a.parquet", {"text": ["a"], "x": column}))
    pa.register_extension_type(Silent())
    try:
        assert reader(keep_columns=["text"])(source).columns.names == ["text"]
        with pytest.raises(SchemaError, match="extension type"):
            reader()(source)
    finally:
        pa.unregister_extension_type("test.silent")
