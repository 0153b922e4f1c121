"""``tables``: analytics tables of enriched outputs."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli.clean_exit import clean_exit
from pipeline.cli.options import Config, override_option
from pipeline.config import load
from pipeline.config.tables import TablesSettings
from pipeline.reporting.console import Console, cell
from pipeline.reporting.logs import line_handler

if TYPE_CHECKING:
    from pipeline.tables.planning import Plan

_EXPORT = (
    "Build nothing; copy the tables as they are to this new folder (a path, s3:// or gs://) as "
    "partitioned Parquet."
)


def tables(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(TablesSettings)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the tables lack and stop.")
    ] = False,
    export_to: Annotated[str | None, typer.Option("--export", help=_EXPORT)] = None,
) -> None:
    """Build analytics tables from enriched outputs, bring them up to date, or export them.

    Exit codes: 0 the tables are up to date or exported; 2 the config, an output, the catalog or the
    folder of --export cannot be used, or another run was faster; 5 the cluster is away or has no
    room, run again later; 130 ended by ^C.
    """
    handler = line_handler("%(levelname)s %(message)s")
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    console = Console()
    if dry_run and export_to:
        raise typer.BadParameter("--dry-run is of a build, and --export builds nothing")
    with clean_exit():
        settings = load(config, overrides or [], TablesSettings)
        console.print(_exported(settings, export_to) if export_to else _built(settings, dry_run))


def _built(settings: TablesSettings, dry_run: bool) -> Table | str:
    from pipeline.tables.build import build
    from pipeline.tables.flow import cluster
    from pipeline.tables.planning import make_plan

    plan = make_plan(settings)
    if not plan.open:
        return "The tables have all of these outputs; nothing is written."
    if dry_run:
        return _lacking(plan)
    with cluster(settings.start_timeout):
        built = build(plan)
    rows = ((one.name, one.rows, one.added, one.gone) for one in built)
    return _numbers(("rows", "files added", "files removed"), rows)


def _exported(settings: TablesSettings, uri: str) -> Table:
    from pipeline.storage.overlap import require_outside
    from pipeline.tables.export import export
    from pipeline.tables.flow import cluster
    from pipeline.tables.iceberg import IcebergTables

    require_outside("--export", uri, [output.uri for output in settings.outputs])
    tables = IcebergTables.open(settings.destination, settings.layout.dates)
    with cluster(settings.start_timeout):
        return _numbers(("rows",), export(tables, uri).items())


def _lacking(plan: "Plan") -> Table:
    table = Table("table", "output", "", title="To write", title_justify="left")
    for lacking in plan.open:
        for source in lacking.changed:
            change = "in place of what it was" if source.name in lacking.replaced else "new"
            table.add_row(lacking.name, cell(source.name), change)
    return table


def _numbers(columns: Iterable[str], rows: Iterable[tuple[str, *tuple[int, ...]]]) -> Table:
    table = Table("table", title="Tables", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    for name, *numbers in rows:
        table.add_row(name, *(f"{number:,}" for number in numbers))
    return table
