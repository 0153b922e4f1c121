"""A copy of the tables as plain partitioned Parquet, for readers who want files.

Enters: the tables' current snapshots. Leaves: ``<table>/date_group=…/language_group=…/`` with a
file for each of the table's, and ``_SUCCESS`` last. What holds: the folder was empty or not there;
nothing is overwritten; the partitions' columns are in the names of folders and not in files.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from pipeline.errors import OutputError
from pipeline.output.output_lock import SUCCESS
from pipeline.storage import Store
from pipeline.tables.columns import DATE_GROUP, GROUP, LANGUAGES, TABLES
from pipeline.tables.data_files import DataFiles, TableFile, files_of
from pipeline.tables.dates import NO_DATE
from pipeline.tables.flow import blocks
from pipeline.tables.iceberg import IcebergTables
from pipeline.tables.layout import OTHER

_ROWS = pa.schema([pa.field("rows", pa.int64())])


@dataclass(frozen=True)
class Exporting:
    """A file of the table ``name`` → a Parquet file below ``store``, as its number of rows."""

    store: Store
    name: str
    files: DataFiles

    def __call__(self, numbered: tuple[int, TableFile]) -> pa.Table:
        """The file's rows, written."""
        number, file = numbered
        rows = self.files.rows(file.scan)
        self.write(rows, file.partition, number)
        return pa.table({"rows": [rows.num_rows]}, _ROWS)

    def write(self, rows: pa.Table, partition: str, number: int) -> None:
        """Write ``rows`` as file ``number`` of ``partition``; OutputError if another is there."""
        path = f"{self.name}/{_folders(partition)}part-{number:05}.parquet"
        sink = io.BytesIO()
        columns = [name for name in rows.column_names if name != GROUP.name]
        pq.write_table(rows.select(columns), sink, compression="zstd")
        body = sink.getvalue()
        # Ray may run a task again that had written its file.
        if not self.store.create(path, body) and self.store.read(path) != body:
            raise OutputError(
                f"{self.store.uri_of(path)} is there already: another export writes to this "
                "folder. Set --export to another one."
            )


def export(tables: IcebergTables, uri: str) -> Mapping[str, int]:
    """Copy all tables to the folder ``uri``; how many rows each has. Needs a connection to Ray."""
    store = Store.open(uri)
    if store.listing():
        raise OutputError(
            f"{store.uri} is not empty. Set --export to a folder that is empty or not there, or "
            "delete what is in it."
        )
    found = {name: tables.load(name) for name in TABLES}
    missing = [name for name, table in found.items() if table is None]
    if missing:
        raise OutputError(
            f"There is nothing to export: the catalog has no table {', '.join(missing)} in "
            f"{tables.namespace}. Run jobs/tables.py without --export first."
        )
    counts = {name: _exported(store, name, table) for name, table in found.items() if table}
    store.create(SUCCESS, json.dumps(counts).encode())
    return counts


def _exported(store: Store, name: str, table: Table) -> int:
    exporting = Exporting(store, name, DataFiles(table.metadata, table.io))
    files = files_of(table)
    if not files:  # a file without rows tells readers the columns
        partition = "" if name == LANGUAGES else f"{NO_DATE}/{OTHER}"
        exporting.write(exporting.files.schema.empty_table(), partition, 0)
    found = blocks(exporting, list(enumerate(files)))
    return sum(row for block in found for row in block["rows"].to_pylist())


def _folders(partition: str) -> str:
    if not partition:
        return ""
    dates, _, group = partition.partition("/")
    return f"{DATE_GROUP}={quote(dates, safe='')}/{GROUP.name}={quote(group, safe='')}/"
