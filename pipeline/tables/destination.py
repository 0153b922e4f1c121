"""Where tables stand, whatever their format.

Enters: the settings of a destination. Leaves: what a table holds now, and one commit of what a run
changed in it. What holds: readers see a table before a commit or after it, and never in between; of
two runs that change a table at once, the second is refused and finds on its next run what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from pipeline.config.tables import IcebergSettings, LayoutSettings, ParquetSettings
from pipeline.tables.table_files import TableFile, Target


@dataclass(frozen=True)
class Standing:
    """What a table holds: ``states`` are of the outputs whose rows are in it, by name.

    ``version`` is another with every commit.
    """

    version: str = "none"
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    states: Mapping[str, str] = field(default_factory=dict)
    files: tuple[TableFile, ...] = ()


@dataclass(frozen=True)
class Commit:
    """What a run makes of one table."""

    states: Mapping[str, str]
    schema: pa.Schema
    gone: tuple[TableFile, ...]
    added: tuple[TableFile, ...]


class Destination(Protocol):
    """The tables of one format at one place."""

    def standing(self, table: str) -> Standing:
        """What ``table`` holds now."""

    def target(self, table: str, schema: pa.Schema, plan: str) -> Target:
        """Where files of ``table`` go, which is about to have the columns of ``schema``."""

    def commit(self, commits: Mapping[str, Commit]) -> None:
        """Make ``commits`` the tables' contents; OutputError where another run was faster."""


def open_destination(
    settings: ParquetSettings | IcebergSettings, layout: LayoutSettings
) -> Destination:
    """The tables that ``settings`` name; raises ConfigError where they cannot be had."""
    if settings.type == "parquet":
        from pipeline.tables.parquet_tables import ParquetTables

        return ParquetTables.open(settings, layout.dates)
    from pipeline.tables.iceberg_tables import IcebergTables

    return IcebergTables.open(settings, layout.dates)
