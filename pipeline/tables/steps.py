"""What is done with one part, one file, or the rows of one file to be.

Enters: a committed part, a file that a table has, or rows that go to one file. Leaves: a tally,
rows with the key of the file that they go to, and that file. What holds: each step is plain Python
that any process can run by itself; none needs another's result.
"""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables.columns import conformed
from pipeline.tables.layout import FILE, Layout, place_of
from pipeline.tables.reading import compressed_bytes, opened, opened_part, read
from pipeline.tables.rows import TableRows, entity_column
from pipeline.tables.source import CommittedPart, Origin
from pipeline.tables.table_files import TableFile, Target
from pipeline.tables.tally import COLUMNS, tally_part

WRITTEN = pa.schema([pa.field("file", pa.string())])
"""A file that was written, as JSON."""


@dataclass(frozen=True)
class PartOf:
    """A part, and what it has in common with the others of its source."""

    part: CommittedPart
    origin: Origin


@dataclass(frozen=True)
class Counting:
    """Parts → tallies; ``tables`` are those whose sizes are estimated."""

    tables: tuple[TableRows, ...]

    def __call__(self, held: PartOf) -> pa.Table:
        """The tally of the part."""
        part, origin = held.part, held.origin
        columns = {*COLUMNS, *origin.date.columns, *entity_column(origin)}
        with opened_part(part.uri, part.bytes, origin.schema) as parquet:
            sizes = {
                table.name: compressed_bytes(parquet, table.columns(origin))
                for table in self.tables
            }
            rows = read(parquet, columns)
        return tally_part(rows, part, origin, sizes)


@dataclass(frozen=True)
class Placing:
    """Parts, and files that are written again → rows of a table with the key of their file."""

    table: TableRows
    layout: Layout
    schema: pa.Schema
    replaced: frozenset[str]

    def __call__(self, held: PartOf | TableFile) -> pa.Table:
        """The rows of ``held`` that are to be in the table."""
        if isinstance(held, TableFile):
            rows = rows_again(held, self.replaced, self.schema)
            return self.layout.again(rows, held.partition)
        part, origin = held.part, held.origin
        with opened_part(part.uri, part.bytes, origin.schema) as parquet:
            read_rows = read(parquet, self.table.columns(origin))
        rows = conformed(self.table.rows(read_rows, part, origin), self.schema)
        # Each unit begins to deal at another file, or those of few rows would all go to the first.
        return self.layout.placed(rows, int(part.unit_id[:8], 16))


@dataclass(frozen=True)
class Writing:
    """Rows of one key → the file, as a row of ``WRITTEN``."""

    target: Target

    def __call__(self, rows: pa.Table) -> pa.Table:
        """The file with ``rows``."""
        if not rows.num_rows:
            return WRITTEN.empty_table()
        partition, number = place_of(rows[FILE.name][0].as_py())
        written = self.target.write(rows.drop_columns([FILE.name]), partition, number)
        return pa.table({"file": [written.model_dump_json()]}, WRITTEN)


def rows_again(file: TableFile, replaced: Collection[str], schema: pa.Schema) -> pa.Table:
    """The rows of ``file`` that are not of ``replaced``, with the columns of ``schema``."""
    with opened(file.uri, file.bytes) as parquet:
        rows = read(parquet, schema.names)
    rows = conformed(rows, schema)
    return rows.filter(pc.invert(pc.is_in(rows["source"], pa.array(sorted(replaced), pa.string()))))
