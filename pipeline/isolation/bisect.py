"""Which rows of a unit fail: ever smaller pieces, down to single rows.

Enters: a unit that failed, and a way to attempt a range of its rows. Leaves: the whole unit's
block, its failing rows marked for quarantine. What holds: a row is quarantined only after it failed
twice alone, or among many that are too large; every other row is annotated; a fault that is not in
the rows ends the search.
"""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import IncompleteError, TooLargeError

MAX_FAILED_ROWS = 32
"""Rows of one unit that may fail; beyond that the fault is hardly in the rows."""

_PIECES = 64
"""Pieces that failing rows are cut into. A failure may cost a process, which takes seconds or
minutes to load a model; a piece of a unit that is held in memory costs little: thousands of rows
come down to one in two failures, where halves would need a dozen."""

_TELLING = 8
"""Rows of a unit from which on it is telling that not one of them can be annotated."""


class RowsFailedError(Exception):
    """An attempt failed in a way that one of its rows may have caused."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    @property
    def is_size(self) -> bool:
        """Whether rows were too large, which no second attempt changes."""
        return self.failure.error_type == TooLargeError.__name__


Attempt = Callable[[int, int], pa.Table]
"""Annotates rows ``start`` to ``stop``; raises RowsFailedError where the rows may be the cause."""


def annotate_by_pieces(unit: Unit, attempt: Attempt, record_id: Callable[[int], str]) -> pa.Table:
    """The block of ``unit``, rows that cannot be annotated marked for quarantine.

    The unit is not attempted whole, for that is what failed. ``record_id`` gives the id of a row
    that failed. Raises IncompleteError where more than ``MAX_FAILED_ROWS`` rows fail, or all of a
    unit, and whatever else ``attempt`` raises. Rows that are too large do not count towards that
    limit; once as many are, pieces that are too large are quarantined whole.
    """
    pending = _pieces(unit.start, unit.stop)
    parts: dict[int, pa.Table] = {}
    warned: set[int] = set()
    failed: list[int] = []
    too_large: list[int] = []
    while pending:
        start, stop = pending.pop()
        try:
            parts[start] = attempt(start, stop)
        except RowsFailedError as error:
            if error.is_size and len(too_large) >= MAX_FAILED_ROWS:
                parts[start] = all_rows_failed(replace(unit, start=start, stop=stop), error.failure)
            elif stop - start > 1:
                pending += _pieces(start, stop)
            elif start not in warned:
                warned.add(start)
                pending.append((start, stop))
            else:
                (too_large if error.is_size else failed).append(start)
                _require_few(unit, failed, error)
                parts[start] = _failed_row(start, record_id(start), error.failure)
    _require_one_annotated(unit, failed)
    return _joined(unit, [parts[start] for start in sorted(parts)])


def all_rows_failed(unit: Unit, failure: Failure) -> pa.Table:
    """The block of ``unit`` with every row marked for quarantine, named by its place."""
    rows = range(unit.start, unit.stop)
    places = (f"{unit.source.uri}#{row}" for row in rows)
    failed = [_failed_row(row, place, failure) for row, place in zip(rows, places, strict=True)]
    return _joined(unit, failed)


def _pieces(start: int, stop: int) -> list[tuple[int, int]]:
    """What ``start`` to ``stop`` is cut into, the first piece last."""
    size = -(-(stop - start) // _PIECES)
    return [(first, min(first + size, stop)) for first in range(start, stop, size)][::-1]


def _require_few(unit: Unit, failed: list[int], error: RowsFailedError) -> None:
    if len(failed) > MAX_FAILED_ROWS:
        raise IncompleteError(
            f"More than {MAX_FAILED_ROWS} rows of {unit.source.uri} ({unit.start} to {unit.stop}) "
            f"fail alone, the last with {error.failure.error_type}: {error.failure.message}. The "
            "fault is hardly in the rows; check memory, model and versions, and run again."
        ) from error


def _require_one_annotated(unit: Unit, failed: list[int]) -> None:
    if unit.rows >= _TELLING and len(failed) == unit.rows:
        raise IncompleteError(
            f"Each of the rows {unit.start} to {unit.stop} of {unit.source.uri} fails alone. The "
            "fault is hardly in the rows; check memory, model and versions, and run again."
        )


def _failed_row(row: int, record_id: str, failure: Failure) -> pa.Table:
    fields = [schema.RECORD_ID, schema.ROW, schema.ERROR]
    values = {"record_id": record_id, "_row": row, "_error": failure.as_row()}
    return pa.Table.from_pylist([values], pa.schema(fields))


def _joined(unit: Unit, parts: list[pa.Table]) -> pa.Table:
    """One block of ``parts``, columns that a part lacks null in it, that says it is ``unit``."""
    bare = [
        part.drop_columns(["_unit"]) if "_unit" in part.column_names else part for part in parts
    ]
    block = pa.concat_tables(bare, promote_options="default")
    origin = pa.array([unit.to_json()]).dictionary_encode()
    return block.append_column(schema.UNIT, origin.take(pa.array([0] * len(block), pa.int32())))
