"""Failures as data: a unit that fails in one stage passes the later ones as a block that says so.

An exception of this package is quoted. Any other is only named with its place in the code, because
its message may hold a record's text; of one of the system the reason is said too.
"""

import os
import traceback
from collections.abc import Callable
from errno import errorcode

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import PipelineError

_FAILED = pa.schema([schema.UNIT, pa.field("_failure", schema.FAILURE)])

Step = Callable[[pa.Table], pa.Table]

STOPPED = Failure("read", "Stopped", "The job was told to stop.")
"""What is said of a unit that was not begun."""


def failure_of(error: BaseException, stage: str) -> Failure:
    """``error``, raised by ``stage``."""
    return Failure(stage, type(error).__name__, _message(error))


def failed_block(unit_json: str, failure: Failure) -> pa.Table:
    """A block of one row that stands for the unit that failed."""
    return pa.Table.from_pylist([{"_unit": unit_json, "_failure": failure.as_row()}], _FAILED)


def stopped_block(block: pa.Table) -> pa.Table:
    """The block of a unit that goes no further: one that failed before, as it is."""
    if failure_in(block) is not None:
        return block
    return failed_block(block["_unit"][0].as_py(), STOPPED)


def failure_in(block: pa.Table) -> Failure | None:
    """The failure that ``block`` stands for, None for a block of records."""
    if "_failure" not in block.column_names:
        return None
    return Failure(**block["_failure"][0].as_py())


def guarded(step: Step, stage: str, block: pa.Table) -> pa.Table:
    """``step(block)``; a failed block as it is; a new failed block where ``step`` raises."""
    if failure_in(block) is not None:
        return block
    try:
        return step(block)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # some libraries exit or panic
        return failed_block(block["_unit"][0].as_py(), failure_of(error, stage))


def receipt(block: pa.Table, publish: Step) -> pa.Table:
    """``publish(block)``; a receipt that says why not, for a unit that failed there or before."""
    block = guarded(publish, "publish", block)
    failure = failure_in(block)
    if failure is None:
        return block
    unit = Unit.from_json(block["_unit"][0].as_py())
    row = {"unit_id": unit.unit_id, "commit": None, "failure": failure.as_row()}
    return pa.Table.from_pylist([row], schema.RECEIPT)


def _message(error: BaseException) -> str:
    if isinstance(error, PipelineError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    code = error.errno if isinstance(error, OSError) else None
    reason = f" ({os.strerror(code)})" if code is not None and code in errorcode else ""
    return f"{type(error).__module__}.{type(error).__name__}{reason}{place}"
