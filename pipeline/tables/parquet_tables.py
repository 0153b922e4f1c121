"""Tables as Hive-style Parquet, and snapshots that say which files are in use.

Enters: commits. Leaves: ``_snapshots/<number>.json``, of which the last is what the tables are.
What holds: a snapshot is created once, after all files that it names; it is of all tables, so that
they change together. Two runs that began with one snapshot want to create the same next one: one of
them is refused. Files are deleted once no snapshot that is kept names them.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from pydantic import ValidationError

from pipeline.config.tables import Granularity, ParquetSettings
from pipeline.contract.record import Count, Record
from pipeline.errors import ConfigError, OutputError
from pipeline.storage import Store
from pipeline.tables.columns import GROUP, TABLES, TABLES_VERSION
from pipeline.tables.destination import Commit, Standing
from pipeline.tables.table_files import Partition, TableFile, Target

SNAPSHOTS = "_snapshots"


class SnapshotFile(Record):
    """A file of a table, by its path below the tables' folder.

    Its groups are empty in a table without partitions.
    """

    path: str
    rows: Count
    bytes: Count
    date_group: str
    language_group: str
    first_source: str
    last_source: str


class SnapshotTable(Record):
    """A table in a snapshot; ``schema_ipc`` are its ``columns`` as Arrow writes a schema."""

    sources: dict[str, str]
    columns: dict[str, str]
    schema_ipc: str
    files: tuple[SnapshotFile, ...]


class Snapshot(Record):
    """All tables at one time."""

    version: int
    number: Count
    dates: Granularity
    tables: dict[str, SnapshotTable]


@dataclass(frozen=True)
class ParquetTables:
    """The tables below the folder of ``store``, as ``snapshot`` has them."""

    store: Store
    keep: int
    dates: Granularity
    snapshot: Snapshot | None

    @classmethod
    def open(cls, settings: ParquetSettings, dates: Granularity) -> "ParquetTables":
        """The tables at ``settings.uri``; ConfigError where they are partitioned otherwise."""
        store = Store.open(settings.uri)
        snapshot = _last(store)
        if snapshot and snapshot.dates != dates:
            raise ConfigError(
                f"The tables in {store.uri} are partitioned by {snapshot.dates}, and layout.dates "
                f"is {dates}. Set it to {snapshot.dates}, or name another destination.uri."
            )
        return cls(store, settings.keep_snapshots, dates, snapshot)

    def standing(self, table: str) -> Standing:
        """What the last snapshot says of ``table``."""
        if self.snapshot is None or table not in self.snapshot.tables:
            return Standing()
        found = self.snapshot.tables[table]
        schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(found.schema_ipc)))
        files = tuple(self._table_file(file) for file in found.files)
        return Standing(str(self.snapshot.number), schema, found.sources, files)

    def target(self, table: str, schema: pa.Schema, plan: str) -> Target:
        """The table's folder; the columns that are in its folders' names are not in its files."""
        stored = pa.schema([field for field in schema if field.name != GROUP.name])
        return Target(self.store, table, stored, plan, never_empty=True)

    def commit(self, commits: Mapping[str, Commit]) -> None:
        """Create the next snapshot, then delete what no snapshot needs any more."""
        number = self.snapshot.number + 1 if self.snapshot else 1
        changed = {name: self._table(name, commit) for name, commit in commits.items()}
        unchanged = self.snapshot.tables if self.snapshot else {}
        snapshot = Snapshot(
            version=TABLES_VERSION,
            number=number,
            dates=self.dates,
            tables={**unchanged, **changed},
        )
        if not self.store.create(_path(number), snapshot.model_dump_json(indent=1).encode()):
            raise OutputError(
                f"Another run has written {self.store.uri_of(_path(number))} since this one "
                "began. Run the job again: it does what is left."
            )
        self._forget(number)

    def _table(self, name: str, commit: Commit) -> SnapshotTable:
        gone = {file.uri for file in commit.gone}
        kept = [file for file in self.standing(name).files if file.uri not in gone]
        return SnapshotTable(
            sources=dict(commit.states),
            columns={field.name: str(field.type) for field in commit.schema},
            schema_ipc=base64.b64encode(commit.schema.serialize()).decode(),
            files=tuple(self._snapshot_file(file) for file in (*kept, *commit.added)),
        )

    def _snapshot_file(self, file: TableFile) -> SnapshotFile:
        return SnapshotFile(
            path=file.uri.removeprefix(f"{self.store.uri}/"),
            date_group=file.partition.dates,
            language_group=file.partition.group,
            **file.model_dump(include={"rows", "bytes", "first_source", "last_source"}),
        )

    def _table_file(self, file: SnapshotFile) -> TableFile:
        return TableFile(
            uri=self.store.uri_of(file.path),
            partition=Partition(file.date_group, file.language_group),
            **file.model_dump(include={"rows", "bytes", "first_source", "last_source"}),
        )

    def _forget(self, number: int) -> None:
        """Delete the snapshots before the last ``keep``, and the files that only they name."""
        numbers = _numbers(self.store)
        old = [n for n in numbers if n <= number - self.keep]
        if not old:
            return
        kept = {path for n in numbers if n not in old for path in _paths(self.store, n)}
        unused = {path for n in old for path in _paths(self.store, n)} - kept
        self.store.delete(sorted(unused))
        self.store.delete([_path(n) for n in old])


def _last(store: Store) -> Snapshot | None:
    numbers = _numbers(store)
    return _read(store, max(numbers)) if numbers else None


def _numbers(store: Store) -> list[int]:
    names = [path.rpartition("/")[2].removesuffix(".json") for path in store.listing(SNAPSHOTS)]
    return sorted(int(name) for name in names if name.isdecimal())


def _read(store: Store, number: int) -> Snapshot:
    body = store.read(_path(number)) or b""
    try:
        snapshot = Snapshot.model_validate_json(body)
    except ValidationError:
        snapshot = None
    if snapshot is None or snapshot.version != TABLES_VERSION or set(snapshot.tables) - set(TABLES):
        raise OutputError(
            f"{store.uri_of(_path(number))} is no snapshot of this version ({TABLES_VERSION}). "
            "Name another destination.uri, and build the tables there."
        )
    return snapshot


def _paths(store: Store, number: int) -> set[str]:
    tables = _read(store, number).tables.values()
    return {file.path for table in tables for file in table.files}


def _path(number: int) -> str:
    return f"{SNAPSHOTS}/{number:08}.json"
