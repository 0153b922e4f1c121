"""What a stage is, and how one is run: it adds columns, and keeps rows and their order."""

from collections.abc import Iterable
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.errors import StageError


class Stage(Protocol):
    """A pure step from block to block: adds columns, may fill ``_error``, keeps rows and order."""

    @property
    def name(self) -> str:
        """What errors call the stage."""

    @property
    def consumes(self) -> tuple[str, ...]:
        """Columns that must be there."""

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """Columns that are added."""

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with the columns of ``produces``."""


def run_stage(stage: Stage, table: pa.Table) -> pa.Table:
    """``stage(table)``, held to what the stage declares; raises StageError where not."""
    require_columns(table, stage.consumes, stage.name)
    result = stage(table)
    if result.num_rows != table.num_rows:
        raise StageError(
            f"Stage {stage.name} returned {result.num_rows} rows for {table.num_rows}; "
            "a stage keeps rows and order. Mend the stage."
        )
    require_columns(
        result, (*table.column_names, *(field.name for field in stage.produces)), stage.name
    )
    return result


def require_columns(table: pa.Table, columns: Iterable[str], reader: str) -> None:
    """Raise StageError that names the columns of ``columns`` that ``table`` lacks."""
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise StageError(
            f"Stage {reader} needs columns {', '.join(missing)}; the block has "
            f"{', '.join(table.column_names)}."
        )


def add_columns(
    table: pa.Table, fields: Iterable[pa.Field], columns: Iterable[list[object]]
) -> pa.Table:
    """``table`` with one column a field, built from Python values and cast to the field's type."""
    for field, values in zip(fields, columns, strict=True):
        table = table.append_column(field, pa.array(values, type=field.type))
    return table


def not_failed(table: pa.Table) -> pa.ChunkedArray:
    """Boolean [rows]: true where no stage has put the record down for quarantine."""
    return pc.is_null(table[schema.ERROR.name])


def with_failures(table: pa.Table, failures: list[Failure | None]) -> pa.Table:
    """``table`` with ``_error`` filled from ``failures`` where it was still null."""
    position = table.column_names.index(schema.ERROR.name)
    earlier = table[schema.ERROR.name].to_pylist()
    merged = [old or (new and new.as_row()) for old, new in zip(earlier, failures, strict=True)]
    return table.set_column(position, schema.ERROR, pa.array(merged, type=schema.FAILURE))
