"""Tables from enriched outputs, from the plan to the commit.

Enters: a plan. Leaves: the tables, with what they lacked. What holds: an output whose rows a table
has is not read for it again; rows of an output that has changed replace those it had; readers see
what was before until all of it is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Transaction

from pipeline.errors import IncompleteError
from pipeline.tables.columns import DOCUMENTS
from pipeline.tables.data_files import DataFiles, TableFile, files_of
from pipeline.tables.flow import Placing, tallied, written
from pipeline.tables.iceberg import commit
from pipeline.tables.layout import plan_layout
from pipeline.tables.planning import Plan, TablePlan
from pipeline.tables.source import Source
from pipeline.tables.tally import language_rows


@dataclass(frozen=True)
class Built:
    """What a run did to one table, which has ``rows`` now."""

    name: str
    rows: int
    added: int
    gone: int


@dataclass(frozen=True)
class _Change:
    """What is written for one table, and not committed yet."""

    table: TablePlan
    transaction: Transaction
    standing: tuple[TableFile, ...]
    gone: tuple[TableFile, ...]
    added: Sequence[DataFile]


def build(plan: Plan) -> tuple[Built, ...]:
    """Write and commit what the tables lack; needs a connection to Ray."""
    if not plan.open:
        return ()
    tally = tallied(plan.changed)
    changes = [_change(table, tally, plan) for table in plan.open]
    return tuple(_committed(change) for change in changes)


def _change(table: TablePlan, tally: pa.Table, plan: Plan) -> _Change:
    transaction = plan.tables.begin(table.name, table.seen, table.schema)
    files = DataFiles(transaction.table_metadata, transaction._table.io)
    standing = files_of(table.seen) if table.seen else ()
    if table.rows is None:
        added = _counts(files, standing, _of(table.changed, tally))
        return _Change(table, transaction, standing, standing, added)
    telling = [source for source in table.changed if table.rows.columns(source.origin)]
    tally = _of(telling, tally)
    layout, target = plan_layout(tally, plan.settings.layout), plan.settings.layout.target_bytes
    gone = layout.rewritten(standing, table.replaced, target)
    again = [file for file in gone if not file.holds_only(table.replaced)]
    placing = Placing(table.rows, layout, files, table.replaced)
    added = written(telling, again, placing, target)
    _require_all(table, tally, again, added)
    return _Change(table, transaction, standing, gone, added)


def _of(sources: Sequence[Source], tally: pa.Table) -> pa.Table:
    names = pa.array([source.name for source in sources], pa.string())
    return tally.filter(pc.is_in(tally["source"], names))


def _counts(files: DataFiles, standing: Sequence[TableFile], tally: pa.Table) -> list[DataFile]:
    """The table ``languages`` in one file: it has few rows, and the driver has the new ones."""
    names = pc.unique(tally["source"]).to_pylist()
    rows = pa.concat_tables(
        [language_rows(tally), *(files.rows(file.scan, names) for file in standing)]
    )
    return files.write(rows) if rows.num_rows else []


def _require_all(
    table: TablePlan, tally: pa.Table, again: Sequence[TableFile], added: Sequence[DataFile]
) -> None:
    """Raise IncompleteError where fewer rows were written than must have been."""
    kept = [file.scan.file for file in again if not file.may_hold(table.replaced)]
    least = sum(file.record_count for file in kept)
    if table.name == DOCUMENTS:
        least += pc.sum(tally["records"]).as_py() or 0
    rows = sum(file.record_count for file in added)
    if rows < least:
        raise IncompleteError(
            f"{rows} rows of {table.name} were written; expected {least} or more. Nothing is "
            "committed. Run the job again."
        )


def _committed(change: _Change) -> Built:
    commit(change.transaction, change.table.states, change.gone, change.added)
    rows = (
        sum(file.scan.file.record_count for file in change.standing)
        - sum(file.scan.file.record_count for file in change.gone)
        + sum(file.record_count for file in change.added)
    )
    return Built(change.table.name, rows, len(change.added), len(change.gone))
