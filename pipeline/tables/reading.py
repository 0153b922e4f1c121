"""Files of an output and of a table, opened for a few of their columns.

Enters: a file's URI and size. Leaves: an open Parquet file, whose columns the reader chooses. What
holds: a file of another size than was committed is refused, and so is a part whose columns are not
those of its source: values are read only from columns of the very type that is expected.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpus.input_schema import open_parquet
from pipeline.errors import DamagedError, OutputError, SchemaError
from pipeline.storage import input_files, open_input


@contextmanager
def opened(uri: str, size: int) -> Iterator[pq.ParquetFile]:
    """The file at ``uri``; OutputError where it has not ``size`` bytes.

    DamagedError where its pages cannot be read inside the ``with``.
    """
    (source,) = input_files(uri)
    if source.size != size:
        raise OutputError(
            f"{uri} has {source.size} bytes; {size} were committed. Check the output with "
            "jobs/verify.py, and leave it alone while tables are made of it."
        )
    with open_input(source) as file:
        try:
            yield open_parquet(file, uri)
        except pa.ArrowException as error:
            raise DamagedError(
                f"{uri} cannot be read: {type(error).__name__}. Check the output with "
                "jobs/verify.py."
            ) from error


def part_schema(uri: str, size: int) -> pa.Schema:
    """The columns of the part at ``uri``."""
    with opened(uri, size) as parquet:
        return parquet.schema_arrow.remove_metadata()


@contextmanager
def opened_part(uri: str, size: int, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """The part at ``uri``; SchemaError where it is not of ``schema``."""
    with opened(uri, size) as parquet:
        seen = parquet.schema_arrow.remove_metadata()
        if not seen.equals(schema):
            differing = sorted({f"{field.name}: {field.type}" for field in set(seen) ^ set(schema)})
            raise SchemaError(
                f"{uri} has other columns than the first part of its output; they differ in "
                f"{', '.join(differing) or 'order'}. Check the output with jobs/verify.py."
            )
        yield parquet


def read(parquet: pq.ParquetFile, columns: Collection[str]) -> pa.Table:
    """The rows of ``parquet``, those of ``columns`` that it has."""
    there = [name for name in parquet.schema_arrow.names if name in columns]
    return parquet.read(there).replace_schema_metadata()


def compressed_bytes(parquet: pq.ParquetFile, columns: Collection[str]) -> int:
    """What ``columns`` take of the file, by its footer."""
    footer = parquet.metadata
    groups = (footer.row_group(number) for number in range(footer.num_row_groups))
    chunks = (group.column(place) for group in groups for place in range(group.num_columns))
    return sum(
        chunk.total_compressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0] in columns
    )
