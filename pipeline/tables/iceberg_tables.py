"""Tables as Apache Iceberg.

Enters: commits. Leaves: one snapshot a table. What holds: schema, files and the outputs whose rows
are in a table change in one commit of the catalog, which is refused where another run's came first.
Files carry the table's field ids, so that they are read right whatever is renamed later. Tables are
committed one after another: a run that ends between two does on its next try what is left.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.transforms import DayTransform, MonthTransform, Transform, YearTransform
from pyiceberg.types import DateType, StringType

from pipeline.config.tables import Granularity, IcebergSettings
from pipeline.errors import ConfigError, OutputError
from pipeline.storage import Store
from pipeline.tables.catalog import answered, open_catalog
from pipeline.tables.columns import DATE, GROUP, LANGUAGES, SCHEMAS, SOURCE, TABLES_VERSION
from pipeline.tables.data_files import data_file
from pipeline.tables.dates import NO_DATE
from pipeline.tables.destination import Commit, Standing
from pipeline.tables.plain_types import plain_field
from pipeline.tables.table_files import UNPARTITIONED, Partition, TableFile, Target

_TRANSFORMS: dict[Granularity, Transform[Any, Any]] = {
    Granularity.DAY: DayTransform(),
    Granularity.MONTH: MonthTransform(),
    Granularity.YEAR: YearTransform(),
}
_SOURCES, _VERSION = "xmod.sources", "xmod.tables-version"
_PROPERTIES = {
    # Two runs that began with one snapshot must not both add the same rows.
    "commit.retry.num-retries": "0",
    # Bounds tell which outputs a file has rows of.
    f"write.metadata.metrics.column.{SOURCE.name}": "full",
    _VERSION: str(TABLES_VERSION),
}
_AFTER_ALL = chr(0x10FFFF)
"""Comes after all names: a file without bounds may hold rows of any output."""


@dataclass(frozen=True)
class IcebergTables:
    """The tables in ``namespace`` of ``catalog``.

    ``seen`` are the tables as ``standing`` saw them, which ``changes`` began with: a commit is
    refused where somebody else's came after that.
    """

    catalog: Catalog
    namespace: str
    dates: Granularity
    seen: dict[str, Table] = field(default_factory=dict)
    changes: dict[str, Transaction] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: IcebergSettings, dates: Granularity) -> "IcebergTables":
        """The tables that ``settings`` name, which need not be there yet."""
        return cls(open_catalog(settings), settings.namespace, dates)

    def standing(self, table: str) -> Standing:
        """What the current snapshot of ``table`` holds."""
        with answered(f"{self.namespace}.{table}"):
            found = self._table(table)
        if found is None:
            return Standing()
        self._require_ours(found)
        self.seen[table] = found
        return Standing(
            version=f"{found.metadata.current_snapshot_id} {found.metadata.current_schema_id}",
            schema=_plain(found),
            states=json.loads(found.properties.get(_SOURCES, "{}")),
            files=tuple(_table_file(found, file) for file in _files(found)),
        )

    def target(self, table: str, schema: pa.Schema, plan: str) -> Target:
        """The table's folder and its columns with their ids, which a commit makes the table's."""
        with answered(f"{self.namespace}.{table}"):
            change = (self.seen.get(table) or self._created(table)).transaction()
        with change.update_schema() as update:
            update.union_by_name(schema)
        self.changes[table] = change
        metadata = change.table_metadata
        stored = schema_to_pyarrow(metadata.schema())
        return Target(Store.open(metadata.location), "data", stored, plan)

    def commit(self, commits: Mapping[str, Commit]) -> None:
        """One snapshot for each table of ``commits``."""
        for name, commit in commits.items():
            change = self.changes.pop(name)
            change.set_properties({_SOURCES: json.dumps(dict(commit.states), sort_keys=True)})
            self._snapshot(change, commit)
            with answered(f"{self.namespace}.{name}"):
                change.commit_transaction()

    def _snapshot(self, change: Transaction, commit: Commit) -> None:
        """Files to add and to take out; none where an output has nothing for the table."""
        if not (commit.gone or commit.added):
            return
        gone = {file.uri for file in commit.gone}
        standing = _files(change._table) if gone else []
        with change.update_snapshot().overwrite() as snapshot:
            for file in standing:
                if file.file_path in gone:
                    snapshot.delete_data_file(file)
            for added in commit.added:
                snapshot.append_data_file(data_file(added, change.table_metadata))

    def _table(self, name: str) -> Table | None:
        try:
            return self.catalog.load_table((self.namespace, name))
        except NoSuchTableError:
            return None

    def _created(self, name: str) -> Table:
        """The table, new and empty: its partitions are made with it."""
        if self._table(name):
            raise TableAlreadyExistsError(name)
        self.catalog.create_namespace_if_not_exists(self.namespace)
        creation = self.catalog.create_table_transaction(
            (self.namespace, name), SCHEMAS[name], properties=_PROPERTIES
        )
        if name != LANGUAGES:
            with creation.update_spec() as update:
                update.add_field(DATE.name, _TRANSFORMS[self.dates], "date_group")
                update.add_identity(GROUP.name)
        return creation.commit_transaction()

    def _require_ours(self, table: Table) -> None:
        name = ".".join(table.name())
        if table.properties.get(_VERSION) != str(TABLES_VERSION):
            raise OutputError(
                f"The table {name} is not one that this version ({TABLES_VERSION}) of "
                "jobs/tables.py made. Set another destination.namespace."
            )
        partitioned = [part.transform for part in table.spec().fields if part.name == "date_group"]
        if partitioned and partitioned != [_TRANSFORMS[self.dates]]:
            raise ConfigError(
                f"The table {name} is partitioned by {partitioned[0]} of its dates, and "
                f"layout.dates is {self.dates}. Set it to {partitioned[0]}, or set another "
                "destination.namespace."
            )


def _files(table: Table) -> list[DataFile]:
    return [task.file for task in table.scan().plan_files()]


def _plain(table: Table) -> pa.Schema:
    """The table's columns without ids, and with the types that rows are made with."""
    return pa.schema([plain_field(column) for column in schema_to_pyarrow(table.schema())])


def _table_file(table: Table, file: DataFile) -> TableFile:
    place = table.schema().find_field(SOURCE.name).field_id
    first = (file.lower_bounds or {}).get(place)
    last = (file.upper_bounds or {}).get(place)
    return TableFile(
        uri=file.file_path,
        rows=file.record_count,
        bytes=file.file_size_in_bytes,
        partition=_partition(table, file),
        first_source=from_bytes(StringType(), first) if first else "",
        last_source=from_bytes(StringType(), last) if last else _AFTER_ALL,
    )


def _partition(table: Table, file: DataFile) -> Partition:
    parts = table.specs()[file.spec_id].fields
    if not parts:
        return UNPARTITIONED
    dates, group = file.partition[0], file.partition[1]
    span = NO_DATE if dates is None else parts[0].transform.to_human_string(DateType(), dates)
    return Partition(span, str(group))
