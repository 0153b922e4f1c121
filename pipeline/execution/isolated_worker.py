"""A process that annotates one unit at a time, whatever the unit does to it.

Rows run under a time limit. After a failure the next attempt gets a new process.
"""

import logging
from dataclasses import replace
from typing import Any

import pyarrow as pa
import ray
from ray.exceptions import (
    GetTimeoutError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
    TaskCancelledError,
)

from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import (
    CheckpointError,
    IncompleteError,
    InputError,
    PipelineError,
    TooLargeError,
)
from pipeline.execution.reservation import Reservation
from pipeline.isolation.bisect import RowsFailedError, annotate_by_pieces
from pipeline.isolation.memory_budget import MemoryBudget
from pipeline.planning.job import Job
from pipeline.stages.failure import failure_of
from pipeline.stages.local_pipeline import LocalPipeline

logger = logging.getLogger(__name__)

_START_SECONDS = 600
_PREPARING = 3
"""Stages before the model, of which each has ``runtime.unit_timeout`` seconds."""
_DIED = "ProcessDied"
_SEARCH_TIMEOUTS = 64
"""Maximum time of failed attempts per unit, in multiples of ``runtime.row_timeout``."""


class _Process(LocalPipeline):
    """What runs in the process. A foreign exception leaves it as data: not every one pickles."""

    def call(self, method: str, part: Unit) -> pa.Table | None:
        """What ``method`` returns for ``part``; RowsFailedError for an exception of a library."""
        try:
            result: pa.Table | None = getattr(self, method)(part)
        except PipelineError:
            raise
        except BaseException as error:
            raise RowsFailedError(failure_of(error, method)) from None
        return result


class IsolatedWorker:
    """Annotates one unit after another, until it is closed."""

    def __init__(self, job: Job, room: Reservation) -> None:
        self._job = job
        self._room = room
        self._actor: Any = None
        self._whole: Unit | None = None
        self._closed = False

    def close(self) -> None:
        """End its process; a unit that is still at work, in another thread, gets no receipt."""
        self._closed = True
        self._kill()

    def publish(self, unit: Unit) -> pa.Table:
        """The receipt of ``unit``, whose failing rows are in quarantine.

        Raises TooLargeError where it has no room in memory as a whole, and another PipelineError
        where the fault is in the file, the model or the output, not in rows.
        """
        self._prepare_whole(unit)
        room = MemoryBudget(unit, self._job.reader)
        block = annotate_by_pieces(
            unit,
            lambda start, stop: room.held(self._attempt(unit, start, stop)),
            lambda row: self._record_id(unit, row),
            _SEARCH_TIMEOUTS * self._job.settings.runtime.row_timeout,
        )
        try:
            return self._job.publisher(block)
        except PipelineError:
            raise
        except Exception as error:  # a library's; other units go on
            raise IncompleteError(
                f"Unit {unit.unit_id} ({unit.source.uri}) cannot be published: "
                f"{failure_of(error, 'publish')}. Run the same command again to go on."
            ) from error

    def _prepare_whole(self, unit: Unit) -> None:
        """Have this process, and those after it, prepare ``unit`` once for all of its pieces.

        A unit that is prepared whole gets the same ``language.unit_prior`` as in the actor pool.
        One that cannot be is prepared piece by piece, after a process that died is tried again.
        """
        self._whole = None
        for again in (True, False):
            try:
                self._ask("hold", unit, _PREPARING * self._job.settings.runtime.unit_timeout)
                self._whole = unit
                return
            except RowsFailedError as error:
                failure = error.failure
            if not (again and failure.error_type == _DIED):
                break
        logger.warning(
            "unit %s is prepared in pieces: %s", unit.unit_id, failure, extra={"unit": unit.unit_id}
        )

    def _attempt(self, unit: Unit, start: int, stop: int) -> pa.Table:
        part = replace(unit, start=start, stop=stop)
        runtime = self._job.settings.runtime
        share = part.rows / unit.rows
        return self._ask("annotate", part, max(runtime.row_timeout, runtime.unit_timeout * share))

    def _record_id(self, unit: Unit, row: int) -> str:
        """The row's id if it can be read at all, otherwise its place."""
        part = replace(unit, start=row, stop=row + 1)
        try:
            ids = self._ask("read", part, self._job.settings.runtime.row_timeout)["record_id"]
        except RowsFailedError:
            return f"{unit.source.uri}#{row}"
        return str(ids[0].as_py())

    def _ask(self, method: str, part: Unit, timeout: float) -> pa.Table:
        actor = self._ready_actor()
        try:
            return ray.get(actor.call.remote(method, part), timeout=timeout)
        except RayTaskError as error:
            if isinstance(error.cause, RowsFailedError):
                raise error.cause from error
            if isinstance(error.cause, InputError) and not isinstance(error.cause, TooLargeError):
                raise error.cause from error  # the file's fault, whichever rows are asked for
            raise RowsFailedError(failure_of(error.cause, method)) from error
        except GetTimeoutError as error:
            self._kill()
            message = f"Took more than {timeout:.0f} seconds (runtime.row_timeout, unit_timeout)."
            raise RowsFailedError(Failure(method, "Timeout", message)) from error
        except (RayActorError, OutOfMemoryError, TaskCancelledError) as error:
            self._kill()
            message = "The process died: a crash, or killed for want of memory."
            raise RowsFailedError(Failure(method, _DIED, message)) from error
        except RayError as error:
            raise IncompleteError(
                f"The cluster lost the work on rows {part.start} to {part.stop} of "
                f"{part.source.uri}: {type(error).__name__}. See Ray's log and run the job again."
            ) from error

    def _ready_actor(self) -> Any:  # noqa: ANN401 - Ray makes the methods of a handle up
        if self._closed:
            raise IncompleteError(
                "The run ended before the units that failed were annotated. Run the same command "
                "again to go on."
            )
        while self._actor is None:
            self._room.require_machines()  # the last process may have died with its machine
            self._start()
            if self._whole is not None:
                self._prepare_whole(self._whole)
        return self._actor

    def _start(self) -> None:
        job, runtime = self._job, self._job.settings.runtime
        options = {
            "num_cpus": runtime.cpus_per_actor,
            "num_gpus": runtime.gpus_per_actor,
            "scheduling_strategy": self._room.strategy,
            "max_restarts": 0,
        }
        self._actor = (
            ray.remote(_Process)
            .options(**options)
            .remote(job.reader, [job.identify, job.tokenize], job.annotate)
        )
        try:
            ray.get(self._actor.ready.remote(), timeout=_START_SECONDS)
        except (RayActorError, OutOfMemoryError, GetTimeoutError) as error:
            self._kill()  # or the next unit would find a dead actor and fail for it
            raise CheckpointError(
                "No process could load the models to annotate the units that failed; "
                f"{type(error).__name__}. See the worker's log; check memory and model.path."
            ) from error

    def _kill(self) -> None:
        actor, self._actor = self._actor, None
        if actor is not None:
            ray.kill(actor)
