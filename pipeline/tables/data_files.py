"""The data files of an Iceberg table: their rows, and new files."""

import datetime
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow, write_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionFieldValue, PartitionKey
from pyiceberg.table import FileScanTask, Table, WriteTask
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.types import DateType, StringType

from pipeline.tables.catalog import answered
from pipeline.tables.columns import DATE, DATE_GROUP, GROUP, SOURCE, conformed, plain_field
from pipeline.tables.dates import NO_DATE

PARTITION = pa.field("_partition", pa.string())
"""The partition of a row that is about to be written, ``<dates>/<language group>``."""

_ORDER = ("date", "language", "record_id", "ordinal", "task", "source")
"""Rows are sorted by these: a reader who asks for some dates or languages skips the rest."""

_AFTER_ALL = chr(0x10FFFF)
"""Comes after all names: a file without bounds may hold rows of any output."""


@dataclass(frozen=True)
class TableFile:
    """A file that a table has; its rows are of outputs from ``first_source`` to ``last_source``.

    ``partition`` is as in ``PARTITION``, empty in a table that has no partitions.
    """

    scan: FileScanTask
    partition: str
    first_source: str
    last_source: str

    @property
    def bytes(self) -> int:
        """The file's size."""
        return self.scan.file.file_size_in_bytes

    def may_hold(self, sources: Collection[str]) -> bool:
        """Whether rows of ``sources`` may be in it."""
        return any(self.first_source <= source <= self.last_source for source in sources)

    def holds_only(self, sources: Collection[str]) -> bool:
        """Whether all its rows are of ``sources``, as far as its bounds tell."""
        return self.first_source == self.last_source and self.first_source in sources


def files_of(table: Table) -> tuple[TableFile, ...]:
    """The files of the current snapshot of ``table``."""
    return tuple(_table_file(table, scan) for scan in table.scan().plan_files())


def plain_schema(metadata: TableMetadata) -> pa.Schema:
    """The table's columns without ids, and with the types that rows are made with."""
    return pa.schema([plain_field(column) for column in schema_to_pyarrow(metadata.schema())])


@dataclass(frozen=True)
class DataFiles:
    """Reads and writes files of the table that ``metadata`` describes; processes share it."""

    metadata: TableMetadata
    io: FileIO

    @property
    def schema(self) -> pa.Schema:
        """The table's columns."""
        return plain_schema(self.metadata)

    def rows(self, scan: FileScanTask, without: Collection[str] = ()) -> pa.Table:
        """The rows of a file that are of none of the outputs ``without``."""
        reader = ArrowScan(self.metadata, self.io, self.metadata.schema(), AlwaysTrue())
        with answered(scan.file.file_path):
            rows = conformed(reader.to_table([scan]), self.schema)
        left_out = pc.is_in(rows[SOURCE.name], pa.array(sorted(without), pa.string()))
        return rows.filter(pc.invert(left_out))

    def write(self, rows: pa.Table) -> list[DataFile]:
        """New files with ``rows``, one for each ``PARTITION`` of theirs."""
        rows = rows.sort_by([(name, "ascending") for name in _ORDER if name in rows.column_names])
        schema, name = self.metadata.schema(), uuid4()
        tasks = [
            WriteTask(
                write_uuid=name,
                task_id=number,
                schema=schema,
                record_batches=conformed(part, self.schema).combine_chunks().to_batches(),
                partition_key=self._key(part),
            )
            for number, part in enumerate(_partitions(rows))
        ]
        with answered(self.metadata.location):
            return list(write_file(self.io, self.metadata, iter(tasks)))

    def _key(self, rows: pa.Table) -> PartitionKey | None:
        spec = self.metadata.spec()
        values = [PartitionFieldValue(part, _value(part, rows)) for part in spec.fields]
        return PartitionKey(values, spec, self.metadata.schema()) if values else None


def _partitions(rows: pa.Table) -> Iterator[pa.Table]:
    """``rows`` by their ``PARTITION``; all of them where the table has none."""
    if PARTITION.name not in rows.column_names:
        yield rows
        return
    for partition in pc.unique(rows[PARTITION.name]):
        yield rows.filter(pc.equal(rows[PARTITION.name], partition))


def _value(part: PartitionField, rows: pa.Table) -> object:
    """The value of ``part`` that all ``rows`` have."""
    if part.name != DATE_GROUP:
        return rows[GROUP.name][0].as_py()
    date: datetime.date | None = rows[DATE.name][0].as_py()
    return part.transform.transform(DateType())(date)


def _table_file(table: Table, scan: FileScanTask) -> TableFile:
    place = table.schema().find_field(SOURCE.name).field_id
    first = (scan.file.lower_bounds or {}).get(place)
    last = (scan.file.upper_bounds or {}).get(place)
    return TableFile(
        scan=scan,
        partition=_partition(table, scan.file),
        first_source=from_bytes(StringType(), first) if first else "",
        last_source=from_bytes(StringType(), last) if last else _AFTER_ALL,
    )


def _partition(table: Table, file: DataFile) -> str:
    parts = table.specs()[file.spec_id].fields
    if not parts:
        return ""
    dates, group = file.partition[0], file.partition[1]
    written = NO_DATE if dates is None else parts[0].transform.to_human_string(DateType(), dates)
    return f"{written}/{group}"
