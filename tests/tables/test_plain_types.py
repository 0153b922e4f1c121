"""Types of outputs in place of which tables have plain ones."""

import pyarrow as pa
import pytest

from pipeline.errors import SchemaError
from pipeline.tables.plain_types import is_scalar, plain_field


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (pa.string(), pa.string()),
        (pa.large_string(), pa.string()),
        (pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.int8(), pa.int32()),
        (pa.uint32(), pa.int64()),
        (pa.uint64(), pa.decimal128(20, 0)),
        (pa.float16(), pa.float32()),
        (pa.null(), pa.string()),
        (pa.date64(), pa.date32()),
        (pa.timestamp("ns"), pa.timestamp("us")),
        (pa.timestamp("s", "Asia/Tokyo"), pa.timestamp("us", "UTC")),
        (pa.time32("ms"), pa.time64("us")),
        (pa.decimal256(30, 2), pa.decimal128(30, 2)),
        (pa.binary(16), pa.binary()),
        (pa.list_(pa.float16(), 2), pa.list_(pa.field("element", pa.float32()))),
        (pa.struct([("a", pa.int8())]), pa.struct([("a", pa.int32())])),
        (pa.map_(pa.large_string(), pa.int8()), pa.map_(pa.string(), pa.int32())),
    ],
    ids=str,
)
def test_plain_field_has_a_type_that_keeps_the_values(kind: pa.DataType, plain: pa.DataType):
    field = plain_field(pa.field("x", kind))
    assert (field.name, field.nullable) == ("x", True)
    assert field.type.equals(plain)


def test_plain_field_may_always_be_null():
    assert plain_field(pa.field("x", pa.int32(), nullable=False)).nullable


@pytest.mark.parametrize(
    "kind",
    [
        pa.duration("s"),
        pa.decimal256(60, 2),
        pa.list_(pa.duration("s")),
        pa.struct([("a", pa.duration("s"))]),
        pa.uuid(),
    ],
    ids=str,
)
def test_plain_field_without_a_plain_type_is_refused_by_name(kind: pa.DataType):
    with pytest.raises(SchemaError, match=r"Column taken is .*documents\.keep_columns"):
        plain_field(pa.field("taken", kind))


def test_is_scalar_lists_and_structs_are_none():
    assert is_scalar(pa.string())
    assert is_scalar(pa.timestamp("us"))
    assert not is_scalar(pa.list_(pa.float32(), 3))
    assert not is_scalar(pa.struct([("a", pa.int32())]))
