"""What the tables lack of the outputs.

Enters: settings. Leaves: a plan: for each table the outputs that it has not, or not as they are
now, and the columns that it is about to have. What holds: making it reads commit records and
footers, and writes nothing; outputs and settings that cannot be used are refused here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.config.tables import LayoutSettings, TablesSettings
from pipeline.tables.columns import LANGUAGES, SCHEMAS, TABLES_VERSION, grown
from pipeline.tables.destination import Destination, Standing, open_destination
from pipeline.tables.documents import Documents, require_columns
from pipeline.tables.outputs import survey
from pipeline.tables.rows import Entities, Labels, TableRows
from pipeline.tables.source import Source
from pipeline.tables.table_files import Target


@dataclass(frozen=True)
class TablePlan:
    """What one table lacks: ``changed`` are the outputs that it has not, or not as they are now."""

    name: str
    standing: Standing
    changed: tuple[Source, ...]
    states: Mapping[str, str]
    schema: pa.Schema

    @property
    def replaced(self) -> frozenset[str]:
        """The names whose rows go."""
        return frozenset(source.name for source in self.changed)

    def target(self, destination: Destination, layout: LayoutSettings) -> Target:
        """Where new files go; they are named by all that they follow from."""
        identity = [
            self.name,
            self.standing.version,
            {name: self.states[name] for name in sorted(self.replaced)},
            layout.model_dump(mode="json"),
            str(self.schema),
        ]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        return destination.target(self.name, self.schema, digest[:16])


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    settings: TablesSettings
    sources: tuple[Source, ...]
    destination: Destination
    row_tables: tuple[TableRows, ...]
    tables: tuple[TablePlan, ...]

    @property
    def open_tables(self) -> tuple[TablePlan, ...]:
        """The tables that lack something."""
        return tuple(table for table in self.tables if table.changed)

    @property
    def changed(self) -> tuple[Source, ...]:
        """The outputs that some table lacks."""
        names = frozenset[str]().union(*(table.replaced for table in self.tables))
        return tuple(source for source in self.sources if source.name in names)


def make_plan(settings: TablesSettings) -> Plan:
    """The plan of a run; reads commit records and footers, and writes nothing."""
    sources = tuple(survey(output) for output in settings.outputs)
    require_columns(settings.documents, (source.origin for source in sources))
    row_tables = (Documents(settings.documents), Entities(), Labels())
    destination = open_destination(settings.destination, settings.layout)
    tables = [_table_plan(table, sources, destination) for table in row_tables]
    tables.append(_languages_plan(sources, destination))
    return Plan(settings, sources, destination, row_tables, tuple(tables))


def _table_plan(
    table: TableRows, sources: tuple[Source, ...], destination: Destination
) -> TablePlan:
    schemas = {source.name: table.schema(source.origin) for source in sources}
    columns = {
        source.name: [list(table.columns(source.origin)), str(schemas[source.name])]
        for source in sources
    }
    return _plan_of(table.name, sources, columns, schemas, destination)


def _languages_plan(sources: tuple[Source, ...], destination: Destination) -> TablePlan:
    return _plan_of(LANGUAGES, sources, {}, {}, destination)


def _plan_of(
    name: str,
    sources: tuple[Source, ...],
    columns: Mapping[str, object],
    schemas: Mapping[str, pa.Schema],
    destination: Destination,
) -> TablePlan:
    standing = destination.standing(name)
    states = {source.name: _state(source, columns.get(source.name)) for source in sources}
    changed = tuple(s for s in sources if standing.states.get(s.name) != states[s.name])
    additions = [(s.name, schemas[s.name]) for s in changed if s.name in schemas]
    schema = grown(standing.schema, ("every output", SCHEMAS[name]), *additions)
    return TablePlan(name, standing, changed, {**standing.states, **states}, schema)


def _state(source: Source, columns: object) -> str:
    """A hash of all that a table's rows of ``source`` follow from."""
    identity = [
        TABLES_VERSION,
        source.fingerprint,
        source.digest,
        str(source.origin.date),
        columns,
    ]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
