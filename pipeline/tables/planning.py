"""What the tables lack of the outputs.

Enters: settings. Leaves: a plan: for each table the outputs that it has not, or not as they are
now, and the columns that it is about to have. What holds: making it reads commit records and
footers, and writes nothing; outputs and settings that cannot be used are refused here.
"""

import hashlib
import json
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.table import Table

from pipeline.config.tables import TablesSettings
from pipeline.storage.overlap import require_outside
from pipeline.tables.columns import LANGUAGES, SCHEMAS, TABLES_VERSION, grown
from pipeline.tables.data_files import plain_schema
from pipeline.tables.iceberg import IcebergTables, states_of
from pipeline.tables.outputs import survey
from pipeline.tables.rows import Documents, Entities, Labels, TableRows, require_columns
from pipeline.tables.source import Source


@dataclass(frozen=True)
class TablePlan:
    """What one table lacks.

    ``rows`` makes its rows, None where these are counts. ``seen`` is the table as it is, None where
    it is not there yet; ``before`` and ``states`` are of the outputs whose rows it has and will
    have, by name. ``changed`` are the outputs that it has not, or not as they are now.
    """

    name: str
    rows: TableRows | None
    seen: Table | None
    before: dict[str, str]
    states: dict[str, str]
    changed: tuple[Source, ...]
    schema: pa.Schema

    @property
    def replaced(self) -> frozenset[str]:
        """The names of the outputs whose rows the table has and that are not what they were."""
        return frozenset(source.name for source in self.changed) & self.before.keys()


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    settings: TablesSettings
    tables: IcebergTables
    changed: tuple[Source, ...]
    open: tuple[TablePlan, ...]
    """The tables that lack something; ``changed`` are the outputs that some table lacks."""


def make_plan(settings: TablesSettings) -> Plan:
    """The plan of a run; reads commit records and footers, and writes nothing."""
    _require_apart(settings)
    sources = tuple(survey(output) for output in settings.outputs)
    require_columns(settings.documents, (source.origin for source in sources))
    tables = IcebergTables.open(settings.destination, settings.layout.dates)
    plans = [
        _table_plan(rows.name, rows, sources, tables)
        for rows in (Documents(settings.documents), Entities(), Labels())
    ]
    plans.append(_table_plan(LANGUAGES, None, sources, tables))
    names = {source.name for plan in plans for source in plan.changed}
    changed = tuple(source for source in sources if source.name in names)
    return Plan(settings, tables, changed, tuple(plan for plan in plans if plan.changed))


def _require_apart(settings: TablesSettings) -> None:
    """Raise ConfigError where outputs or the tables' files lie in one another."""
    uris = [output.uri for output in settings.outputs]
    for place, uri in enumerate(uris):
        require_outside(f"outputs.{place}.uri", uri, [*uris[:place], *uris[place + 1 :]])
    warehouse = settings.destination.catalog.warehouse
    if warehouse is not None and settings.destination.catalog.type != "rest":
        require_outside("destination.catalog.warehouse", warehouse, uris)


def _table_plan(
    name: str, rows: TableRows | None, sources: tuple[Source, ...], tables: IcebergTables
) -> TablePlan:
    seen = tables.load(name)
    before = states_of(seen)
    states = {source.name: _state(source, rows) for source in sources}
    changed = tuple(s for s in sources if before.get(s.name) != states[s.name])
    additions = [(s.name, rows.schema(s.origin)) for s in changed] if rows else []
    known = plain_schema(seen.metadata) if seen else pa.schema([])
    schema = grown(known, ("every output", SCHEMAS[name]), *additions)
    return TablePlan(name, rows, seen, before, {**before, **states}, changed, schema)


def _state(source: Source, rows: TableRows | None) -> str:
    """A hash of all that a table's rows of ``source`` follow from."""
    origin = source.origin
    columns = [list(rows.columns(origin)), str(rows.schema(origin))] if rows else None
    identity = [TABLES_VERSION, source.fingerprint, source.digest, str(origin.date), columns]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
