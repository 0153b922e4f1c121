"""Tables from enriched outputs, from the plan to the commit.

Enters: a plan. Leaves: the tables, with what they lacked. What holds: an output whose rows a table
has is not read for it again; rows of an output that is another than it was take the place of those
it had; readers see what was before until all of it is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import IncompleteError
from pipeline.tables.columns import DOCUMENTS, LANGUAGES
from pipeline.tables.dates import NO_DATE
from pipeline.tables.destination import Commit
from pipeline.tables.flow import tallied, written
from pipeline.tables.layout import OTHER, plan_change
from pipeline.tables.planning import Plan, TablePlan
from pipeline.tables.rows import TableRows
from pipeline.tables.steps import Counting, Placing, Writing, rows_again
from pipeline.tables.table_files import UNPARTITIONED, Partition, TableFile
from pipeline.tables.tally import language_rows


@dataclass(frozen=True)
class Built:
    """What a run did to one table."""

    name: str
    added: tuple[TableFile, ...]
    gone: tuple[TableFile, ...]
    standing: int

    @property
    def rows(self) -> int:
        """Rows in the table now."""
        return self.standing + sum(f.rows for f in self.added) - sum(f.rows for f in self.gone)


def build(plan: Plan) -> tuple[Built, ...]:
    """Write and commit what the tables lack; needs a connection to Ray."""
    if not plan.open_tables:
        return ()
    tally = tallied(plan.changed, Counting(plan.row_tables))
    rows_of = {table.name: table for table in plan.row_tables}
    commits: dict[str, Commit] = {}
    for table in plan.open_tables:
        own = tally.filter(pc.is_in(tally["source"], pa.array(sorted(table.replaced))))
        if table.name == LANGUAGES:
            commits[table.name] = _languages(table, own, plan)
        else:
            commits[table.name] = _written(table, rows_of[table.name], own, plan)
    plan.destination.commit(commits)
    return tuple(
        Built(table.name, commit.added, commit.gone, sum(f.rows for f in table.standing.files))
        for table, commit in zip(plan.open_tables, commits.values(), strict=True)
    )


def _written(table: TablePlan, rows: TableRows, tally: pa.Table, plan: Plan) -> Commit:
    layout = plan.settings.layout
    known = table.replaced & table.standing.states.keys()
    change = plan_change(table.name, tally, table.standing.files, known, layout)
    target = table.target(plan.destination, layout)
    placing = Placing(rows, change.layout, table.schema, table.replaced)
    added = written(table.changed, change.again, placing, Writing(target))
    _require_all(table, added, tally, [f for f in change.again if not f.may_hold(known)])
    if target.never_empty and not added and len(change.gone) == len(table.standing.files):
        added = (target.write(table.schema.empty_table(), Partition(NO_DATE, OTHER)),)
    return Commit(table.states, table.schema, change.gone, added)


def _require_all(
    table: TablePlan, added: Iterable[TableFile], tally: pa.Table, again: Iterable[TableFile]
) -> None:
    """Raise IncompleteError where fewer rows were written than must have been."""
    least = sum(file.rows for file in again)
    if table.name == DOCUMENTS:
        least += pc.sum(tally["records"]).as_py() or 0
    rows = sum(file.rows for file in added)
    if rows < least:
        raise IncompleteError(
            f"{rows} rows of {table.name} were written; expected {least} or more. Nothing is "
            "committed. Run the job again."
        )


def _languages(table: TablePlan, tally: pa.Table, plan: Plan) -> Commit:
    """The counts, in one file: there are few rows, which the driver has already."""
    standing = table.standing.files
    kept = [rows_again(file, table.replaced, table.schema) for file in standing]
    rows = pa.concat_tables([language_rows(tally), *kept])
    file = table.target(plan.destination, plan.settings.layout).write(rows, UNPARTITIONED)
    return Commit(table.states, table.schema, standing, (file,))
