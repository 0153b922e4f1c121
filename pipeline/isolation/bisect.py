"""Which rows of a unit fail: ever smaller pieces, down to single rows.

Enters: a unit that failed, and a way to attempt a range of its rows. Leaves: the whole unit's
block, its failing rows marked for quarantine. What holds: the search ends, however many rows fail.
A row is quarantined only after it failed twice alone, unless so many attempts failed before that
its piece is no longer split; every other row is annotated.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import TooLargeError

MAX_FAILED_ROWS = 32
"""Rows of one unit that are found to be too large one by one; after them, whole pieces are."""

MAX_FAILURES = 256
"""Failed attempts of one unit after which pieces that fail are no longer split."""

_PIECES = 64
"""Pieces that failing rows are cut into. A failure may cost a process, which takes seconds or
minutes to load a model; a piece of a unit that is held in memory costs little: thousands of rows
come down to one in two failures, where halves would need a dozen."""


class RowsFailedError(Exception):
    """An attempt failed in a way that one of its rows may have caused."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure

    @property
    def is_size(self) -> bool:
        """Whether rows were too large, which no second attempt changes."""
        return self.failure.error_type == TooLargeError.__name__


Attempt = Callable[[int, int], pa.Table]
"""Annotates rows ``start`` to ``stop``; raises RowsFailedError where the rows may be the cause."""


def annotate_by_pieces(
    unit: Unit, attempt: Attempt, record_id: Callable[[int], str], max_seconds: float = math.inf
) -> pa.Table:
    """The block of ``unit``, rows that cannot be annotated marked for quarantine.

    The unit is not attempted whole, for that is what failed. ``record_id`` gives the id of a row
    that failed. After ``MAX_FAILURES`` failed attempts a piece that fails is quarantined whole;
    once these took ``max_seconds``, so is the rest. Raises what ``attempt`` raises, except
    RowsFailedError.
    """
    search = _Search(record_id, max_seconds)
    pending = _pieces(unit.start, unit.stop)
    parts: dict[int, pa.Table] = {}
    while pending:
        start, stop = pending.pop()
        piece, begun = replace(unit, start=start, stop=stop), time.monotonic()
        if search.is_over and search.last is not None:
            parts[start] = all_rows_failed(piece, search.of_many(piece, search.last))
            continue
        try:
            parts[start] = attempt(start, stop)
        except RowsFailedError as error:
            failed = search.failed(piece, error)
            search.seconds += time.monotonic() - begun
            if failed is None:
                pending += _pieces(start, stop)
            else:
                parts[start] = failed
    return _joined(unit, [parts[start] for start in sorted(parts)])


@dataclass
class _Search:
    """Failed attempts of a unit so far, the time that they took, and rows that are too large."""

    record_id: Callable[[int], str]
    max_seconds: float
    failures: int = 0
    too_large: int = 0
    seconds: float = 0.0
    last: Failure | None = None
    warned: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is attempted."""
        return self.seconds > self.max_seconds

    def failed(self, piece: Unit, error: RowsFailedError) -> pa.Table | None:
        """The block of a ``piece`` that failed; None where it is to be attempted in pieces."""
        self.failures += 1
        self.last = error.failure
        if error.is_size and self.too_large >= MAX_FAILED_ROWS:
            return all_rows_failed(piece, error.failure)
        gives_up = self.failures > MAX_FAILURES or self.is_over
        if piece.rows > 1:
            failure = self.of_many(piece, error.failure)
            return all_rows_failed(piece, failure) if gives_up else None
        if self.warned != piece.start and not gives_up:
            self.warned = piece.start
            return None
        self.too_large += error.is_size
        return _failed_row(piece.start, self.record_id(piece.start), error.failure)

    def of_many(self, piece: Unit, failure: Failure) -> Failure:
        """``failure`` as that of a piece whose rows are not told apart, and why they are not."""
        return replace(
            failure,
            message=f"{failure.message} One of {piece.rows} rows that go to quarantine together: "
            f"{self.failures} attempts at rows of their unit failed before, in {self.seconds:.0f} "
            "seconds, and no more are made to tell them apart.",
        )


def all_rows_failed(unit: Unit, failure: Failure) -> pa.Table:
    """The block of ``unit`` with every row marked for quarantine, named by its place."""
    uri, rows = unit.source.uri, range(unit.start, unit.stop)
    return _joined(unit, [_failed_row(row, f"{uri}#{row}", failure) for row in rows])


def _pieces(start: int, stop: int) -> list[tuple[int, int]]:
    """What ``start`` to ``stop`` is cut into, the first piece last."""
    size = -(-(stop - start) // _PIECES)
    return [(first, min(first + size, stop)) for first in range(start, stop, size)][::-1]


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
