"""What a footer says, whether it comes with the file's end or from the opened file."""

import os
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec import AbstractFileSystem

from pipeline.config import InputSettings
from pipeline.contract.unit import SourceFile
from pipeline.corpus import footer
from pipeline.corpus.footer import Footer, FooterReader
from pipeline.errors import InputError, SchemaError
from pipeline.storage import Store, input_files
from pipeline.storage.backend import filesystem
from tests.helpers.parquet_files import Foreign, foreign, write


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
    footer = reader()(source_of(path))
    assert footer == Footer(50, sum(sizes), columns, footer.content)


def content_of(path: Path) -> str:
    return reader()(source_of(path)).content


LONG = {"text": [f"{row:08} {row * 7919 % 100_003:06}" for row in range(20_000)]}
"""More than the 64 KiB that are read of a file's end."""


@pytest.mark.parametrize("columns", [{"text": ["x"]}, LONG], ids=["short", "long"])
def test_content_is_the_same_for_the_same_bytes_whatever_their_time_and_name(
    tmp_path: Path, columns: dict[str, list[str]]
):
    path = write(tmp_path / "a.parquet", columns)
    before = content_of(path)
    os.utime(path, (1, 1))
    assert content_of(path) == before
    other = tmp_path / "b.parquet"
    other.write_bytes(path.read_bytes())
    assert content_of(other) == before


def test_content_follows_one_letter_whatever_the_size_and_time(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["Anna lives here", "x", "y"]})
    status, before = path.stat(), content_of(path)
    write(path, {"text": ["Anne lives here", "x", "y"]})
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert content_of(path) != before


def test_content_of_a_long_file_follows_its_end_and_its_footer(tmp_path: Path):
    path = write(tmp_path / "a.parquet", LONG, use_dictionary=False, compression="none")
    before = content_of(path)
    assert path.stat().st_size > 3 << 16
    write(path, {"text": [*LONG["text"][:-1], "x" * 15]}, use_dictionary=False, compression="none")
    assert content_of(path) != before


def test_content_follows_a_footer_that_is_longer_than_the_tail(tmp_path: Path):
    table = wide(1000)
    path = write(tmp_path / "a.parquet", table)
    before, end = content_of(path), path.read_bytes()[-(1 << 16) :]
    first = table.set_column(1, "column 0", pa.array([7]))
    write(path, first)
    assert path.read_bytes()[-(1 << 16) :] == end, "the change is before the last 64 KiB"
    assert content_of(path) != before


@pytest.mark.s3
def test_content_is_the_same_for_the_same_bytes_whatever_their_etag(
    tmp_path: Path, s3_store: Store
):
    rows = [f"{row:0100}" for row in range(60_000)]
    path = write(tmp_path / "a.parquet", {"text": rows}, use_dictionary=False, compression="none")
    uri, versions, contents = s3_store.uri_of("a.parquet"), set(), set()
    files, name = filesystem(uri)
    for upload in (files.pipe_file, partial(multipart, files)):
        upload(name, path.read_bytes())
        (source,) = input_files(uri)
        versions.add(source.version)
        contents.add(reader()(source).content)
    assert len(versions) == 2
    assert contents == {content_of(path)}


def multipart(files: AbstractFileSystem, name: str, body: bytes) -> None:
    """``body`` at ``name`` in two parts, which makes another ETag than one put does."""
    bucket, key, _ = files.split_path(name)
    upload = files.call_s3("create_multipart_upload", Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for number, part in enumerate((body[: 5 << 20], body[5 << 20 :]), start=1):
        answer = files.call_s3(
            "upload_part",
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            PartNumber=number,
            Body=part,
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    files.call_s3(
        "complete_multipart_upload",
        Bucket=bucket,
        Key=key,
        UploadId=upload,
        MultipartUpload={"Parts": parts},
    )


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
