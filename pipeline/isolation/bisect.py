"""Which rows of a unit are to blame: pieces, and pieces of these, down to a row.

Enters: a unit that failed, and a way to attempt a range of its rows apart from others. Leaves: the
whole unit's block, its guilty rows marked for quarantine. What holds: a row is blamed only after
it failed twice alone, or among many that are too large; every other row is annotated; a fault that
is not a row's ends the search.
"""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import IncompleteError, TooLargeError

MAX_FAILED_ROWS = 32
"""Rows of one unit that may be blamed; beyond that the fault is hardly in the rows."""

_PIECES = 64
"""Into which rows are cut that fail. Each failure may cost a process, which takes seconds or
minutes to load a model, and a sound piece of a unit that is held in memory hardly more than its
rows: thousands come down to one in two failures, where halves would need a dozen."""

_TELLING = 8
"""Rows of a unit from which on it tells something if not one of them can be annotated."""


class RowsFailedError(Exception):
    """An attempt ended in a way that one of its rows may have caused."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    @property
    def is_size(self) -> bool:
        """Whether rows were too large, which they are each time."""
        return self.failure.error_type == TooLargeError.__name__


Attempt = Callable[[int, int], pa.Table]
"""Annotates rows ``start`` to ``stop`` apart; raises RowsFailedError where they may be to blame."""


def annotate_by_pieces(unit: Unit, attempt: Attempt, record_id: Callable[[int], str]) -> pa.Table:
    """The block of ``unit``, rows that cannot be annotated marked for quarantine.

    The unit is not attempted whole, for that is what failed. ``record_id`` gives the id of a row
    that fails. Raises IncompleteError where more than ``MAX_FAILED_ROWS`` rows fail, or all of a
    unit, and whatever else ``attempt`` raises. A row that is too large is not among them: that says
    by itself whose fault it is. Once as many are, pieces that are too large are no longer taken
    apart, but blamed as they are.
    """
    pending = _pieces(unit.start, unit.stop)
    parts: dict[int, pa.Table] = {}
    warned: set[int] = set()
    blamed: list[int] = []
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
                (too_large if error.is_size else blamed).append(start)
                _require_few(unit, blamed, error)
                parts[start] = _failed_row(start, record_id(start), error.failure)
    _require_a_sound_row(unit, blamed)
    return _joined(unit, [parts[start] for start in sorted(parts)])


def all_rows_failed(unit: Unit, failure: Failure) -> pa.Table:
    """The block of ``unit`` with every row marked for quarantine, named by its place."""
    rows = range(unit.start, unit.stop)
    places = (f"{unit.source.uri}#{row}" for row in rows)
    blamed = [_failed_row(row, place, failure) for row, place in zip(rows, places, strict=True)]
    return _joined(unit, blamed)


def _pieces(start: int, stop: int) -> list[tuple[int, int]]:
    """What ``start`` to ``stop`` is cut into, the first piece last."""
    size = -(-(stop - start) // _PIECES)
    return [(first, min(first + size, stop)) for first in range(start, stop, size)][::-1]


def _require_few(unit: Unit, blamed: list[int], error: RowsFailedError) -> None:
    if len(blamed) > MAX_FAILED_ROWS:
        raise IncompleteError(
            f"More than {MAX_FAILED_ROWS} rows of {unit.source.uri} ({unit.start} to {unit.stop}) "
            f"fail alone, the last with {error.failure.error_type}: {error.failure.message}. The "
            "fault is hardly in the rows; check memory, model and versions, and run again."
        ) from error


def _require_a_sound_row(unit: Unit, blamed: list[int]) -> None:
    if unit.rows >= _TELLING and len(blamed) == unit.rows:
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
