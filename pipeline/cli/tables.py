"""``tables``: analytics tables of enriched outputs."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.clean_exit import clean_exit
from pipeline.cli.options import CONFIG, OVERRIDE, complete_config, complete_keys
from pipeline.config import load
from pipeline.config.tables import TablesSettings

if TYPE_CHECKING:
    from pipeline.tables.build import Built
    from pipeline.tables.planning import Plan


def tables(
    config: Annotated[str, typer.Option(help=CONFIG, autocompletion=complete_config)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help=OVERRIDE, autocompletion=complete_keys(TablesSettings)),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the tables lack and stop.")
    ] = False,
) -> None:
    """Make analytics tables of enriched outputs, or bring them up to date.

    Exit codes: 0 the tables are up to date; 2 the config, an output or the destination cannot be
    used, or another run was faster; 5 the cluster is away or has no room, run again later; 130
    ended by ^C.
    """
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    console = Console()
    with clean_exit():
        settings = load(config, overrides or [], TablesSettings)
        from pipeline.tables.build import build
        from pipeline.tables.flow import cluster
        from pipeline.tables.planning import make_plan

        plan = make_plan(settings)
        if not plan.open_tables:
            console.print("The tables have all of these outputs; nothing is written.")
        elif dry_run:
            console.print(_lacking(plan))
        else:
            with cluster(settings.start_timeout):
                console.print(_done(build(plan)))


def _lacking(plan: "Plan") -> Table:
    table = Table("table", "output", "", title="To write", title_justify="left")
    for lacking in plan.open_tables:
        for source in lacking.changed:
            standing = source.name in lacking.standing.states
            table.add_row(
                lacking.name, source.name, "in place of what it was" if standing else "new"
            )
    return table


def _done(built: tuple["Built", ...]) -> Table:
    table = Table(title="Tables", title_justify="left")
    table.add_column("table")
    for name in ("rows", "files added", "files removed"):
        table.add_column(name, justify="right")
    for one in built:
        table.add_row(one.name, f"{one.rows:,}", f"{len(one.added):,}", f"{len(one.gone):,}")
    return table
