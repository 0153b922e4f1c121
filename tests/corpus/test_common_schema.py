"""The schema that most records of a corpus have."""

import pyarrow as pa

from pipeline.corpus.common_schema import schema_of_most

NARROW = pa.schema({"text": pa.string(), "n": pa.int32()})
WIDE = pa.schema({"text": pa.string(), "n": pa.int64()})


def test_schema_of_most_counts_records_and_not_files():
    assert schema_of_most({NARROW: 1, WIDE: 2}) == WIDE
    assert schema_of_most({NARROW: 2, WIDE: 2}) == NARROW
    assert schema_of_most({NARROW: 0, WIDE: 0}) == NARROW
    assert schema_of_most({}) is None


def test_schema_of_most_takes_those_together_that_read_alike():
    turned = pa.schema([pa.field("n", pa.int64(), False), pa.field("text", pa.string_view())])
    assert schema_of_most({NARROW: 3, WIDE: 2, turned: 2}) == WIDE
    assert schema_of_most({NARROW: 3, WIDE: 1, turned: 3}) == WIDE
