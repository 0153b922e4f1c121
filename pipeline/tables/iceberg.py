"""The tables in an Iceberg catalog: what they hold, and one commit of what a run changes in one.

What holds: columns, files and the outputs whose rows are in a table change in one commit, which is
refused where another run has changed the table since this one loaded it. Tables are committed one
after another: a run that ends between two does the rest when it is repeated.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.transforms import DayTransform, MonthTransform, Transform, YearTransform

from pipeline.config.tables import DestinationSettings, Granularity
from pipeline.errors import ConfigError, OutputError
from pipeline.tables.catalog import answered, open_catalog
from pipeline.tables.columns import DATE, DATE_GROUP, GROUP, LANGUAGES, SCHEMAS, SOURCE
from pipeline.tables.columns import TABLES_VERSION as VERSION
from pipeline.tables.data_files import TableFile

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
    _VERSION: str(VERSION),
}


@dataclass(frozen=True)
class IcebergTables:
    """The tables in ``namespace`` of ``catalog``, partitioned by ``dates``."""

    catalog: Catalog
    namespace: str
    dates: Granularity

    @classmethod
    def open(cls, settings: DestinationSettings, dates: Granularity) -> "IcebergTables":
        """The tables that ``settings`` name, which need not be there yet."""
        return cls(open_catalog(settings), settings.namespace, dates)

    def load(self, name: str) -> Table | None:
        """The table as it is now, None where it is not there; raises if it is not one of ours."""
        with answered(f"table {self.namespace}.{name}"):
            try:
                table = self.catalog.load_table((self.namespace, name))
            except NoSuchTableError:
                return None
        self._require_ours(table)
        return table

    def begin(self, name: str, seen: Table | None, schema: pa.Schema) -> Transaction:
        """A change of the table as it was ``seen``, about to have the columns of ``schema``.

        A table that was not there is created.
        """
        with answered(f"table {self.namespace}.{name}"):
            change = (seen or self._created(name)).transaction()
            with change.update_schema() as update:
                update.union_by_name(schema)
        return change

    def _created(self, name: str) -> Table:
        """The table, new and empty: its partitions are made with it."""
        if self.load(name):
            raise TableAlreadyExistsError(name)
        self.catalog.create_namespace_if_not_exists(self.namespace)
        creation = self.catalog.create_table_transaction(
            (self.namespace, name), SCHEMAS[name], properties=_PROPERTIES
        )
        if name != LANGUAGES:
            with creation.update_spec() as update:
                update.add_field(DATE.name, _TRANSFORMS[self.dates], DATE_GROUP)
                update.add_identity(GROUP.name)
        return creation.commit_transaction()

    def _require_ours(self, table: Table) -> None:
        name = ".".join(table.name())
        if table.properties.get(_VERSION) != str(VERSION):
            raise OutputError(
                f"The table {name} is not one that this version ({VERSION}) of jobs/tables.py "
                "made. Set another destination.namespace."
            )
        seen = [part.transform for part in table.spec().fields if part.name == DATE_GROUP]
        if seen and seen != [_TRANSFORMS[self.dates]]:
            raise ConfigError(
                f"The table {name} is partitioned by {seen[0]}, and layout.dates is {self.dates}. "
                f"Set it to {seen[0]}, or set another destination.namespace."
            )


def states_of(table: Table | None) -> dict[str, str]:
    """The state of each output whose rows are in ``table``, by name, when it was built."""
    states: dict[str, str] = json.loads(table.properties.get(_SOURCES, "{}")) if table else {}
    return states


def commit(
    change: Transaction,
    states: Mapping[str, str],
    gone: Iterable[TableFile],
    added: Iterable[DataFile],
) -> None:
    """Make ``change`` the table's: one snapshot, or none if no file comes or goes."""
    gone, added = tuple(gone), tuple(added)
    change.set_properties({_SOURCES: json.dumps(dict(states), sort_keys=True)})
    with answered(f"table {'.'.join(change._table.name())}"):
        if gone or added:
            with change.update_snapshot().overwrite() as snapshot:
                for file in gone:
                    snapshot.delete_data_file(file.scan.file)
                for new in added:
                    snapshot.append_data_file(new)
        change.commit_transaction()
