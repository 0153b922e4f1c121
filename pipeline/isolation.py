"""An isolation: a process that has nothing to do but one suspect.

Enters: a suspect. Leaves: its receipt. What holds: rows run under a time limit; after a failure the
next attempt gets a new process; the driver survives.
"""

from contextlib import suppress
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
)

from pipeline import schema
from pipeline.blame import RowsFailedError, annotate_by_pieces
from pipeline.errors import CheckpointError, IncompleteError, InputError, TooLargeError
from pipeline.failure import failure_of
from pipeline.job import Job
from pipeline.read import Reader
from pipeline.recipe import Recipe
from pipeline.room import Room
from pipeline.unit import Unit

_START_SECONDS = 600


class Isolation:
    """Annotates one suspect after another, until it is closed."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._actor: Any = None
        self._whole: Unit | None = None
        self._closed = False

    def close(self) -> None:
        """End its process; a suspect that is still at work, in another thread, gets no receipt."""
        self._closed = True
        self._kill()

    def publish(self, unit: Unit) -> pa.Table:
        """The receipt of ``unit``, whose guilty rows are in quarantine.

        Raises TooLargeError where it has no room in memory as a whole, and another PipelineError
        where the fault is in the file, the model or the output, not in rows.
        """
        self._prepare_whole(unit)
        room = Room(unit, self._job.reader)
        block = annotate_by_pieces(
            unit,
            lambda start, stop: room.held(self._attempt(unit, start, stop)),
            lambda row: self._record_id(unit, row),
        )
        return self._job.publisher(block)

    def _prepare_whole(self, unit: Unit) -> None:
        """Have this process, and those after it, prepare ``unit`` once for all of its pieces.

        What can be prepared whole is as it is for the model among others: ``language.majority`` is
        its own. What cannot is prepared piece by piece.
        """
        self._whole = None
        with suppress(RowsFailedError):
            self._ask("hold", unit, self._job.settings.runtime.unit_timeout)
            self._whole = unit

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
            return ray.get(getattr(actor, method).remote(part), timeout=timeout)
        except RayTaskError as error:
            if isinstance(error.cause, InputError) and not isinstance(error.cause, TooLargeError):
                raise error.cause from error  # the file's fault, whichever rows are asked for
            raise RowsFailedError(failure_of(error.cause, method)) from error
        except GetTimeoutError as error:
            self._kill()
            message = f"Took more than {timeout:.0f} seconds (runtime.row_timeout, unit_timeout)."
            raise RowsFailedError(_failure(method, "Timeout", message)) from error
        except (RayActorError, OutOfMemoryError) as error:
            self._kill()
            message = "The process died: a crash, or killed for want of memory."
            raise RowsFailedError(_failure(method, "ProcessDied", message)) from error
        except RayError as error:
            raise IncompleteError(
                f"The cluster lost the work on rows {part.start} to {part.stop} of "
                f"{part.source.uri}: {type(error).__name__}. See Ray's log and run the job again."
            ) from error

    def _ready_actor(self) -> Any:  # noqa: ANN401 - Ray makes the methods of a handle up
        while self._actor is None:
            self._start()
            if self._whole is not None:
                self._prepare_whole(self._whole)
        return self._actor

    def _start(self) -> None:
        if self._closed:
            raise IncompleteError(
                "The run ended before the units that failed were annotated. Run the same command "
                "again to go on."
            )
        job, runtime = self._job, self._job.settings.runtime
        options = {
            "num_cpus": runtime.cpus_per_actor,
            "num_gpus": runtime.gpus_per_actor,
            "max_restarts": 0,
        }
        self._actor = (
            ray.remote(_Apart)
            .options(**options)
            .remote(job.reader, [job.identify, job.tokenize], job.annotate)
        )
        try:
            ray.get(self._actor.ready.remote(), timeout=_START_SECONDS)
        except (RayActorError, OutOfMemoryError, GetTimeoutError) as error:
            self._kill()  # or the next suspect would find a dead actor, and blame its rows
            raise CheckpointError(
                "No process could load the models to annotate the units that failed; "
                f"{type(error).__name__}. See the worker's log; check memory and model.path."
            ) from error

    def _kill(self) -> None:
        actor, self._actor = self._actor, None
        if actor is not None:
            ray.kill(actor)


class _Apart:
    """All stages in one process."""

    def __init__(self, reader: Reader, preparing: list[Recipe], annotate: Recipe) -> None:
        self._reader = reader
        self._preparing = preparing
        self._annotate = annotate
        self._held: tuple[Unit, pa.Table] | None = None
        for recipe in (*preparing, annotate):
            recipe.stage()

    def ready(self) -> None:
        """Return once the models are loaded."""

    def hold(self, unit: Unit) -> None:
        """Keep ``unit`` prepared, to take parts of it, until another is to be held."""
        self._held = None
        block = self._prepared(unit)
        # Its parts wait for one another, and for no stage.
        self._held = unit, block.drop_columns([schema.ENDED.name])

    def read(self, part: Unit) -> pa.Table:
        """``part`` as it is read."""
        return self._reader(part)

    def annotate(self, part: Unit) -> pa.Table:
        """``part`` after all stages."""
        if self._held is None:
            return self._annotate.run(self._prepared(part))
        unit, block = self._held
        return self._annotate.run(block.slice(part.start - unit.start, part.rows))

    def _prepared(self, unit: Unit) -> pa.Table:
        block = self._reader(unit)
        for recipe in self._preparing:
            block = recipe.run(block)
        return block


def _failure(stage: str, error_type: str, message: str) -> dict[str, str]:
    return {"stage": stage, "error_type": error_type, "message": message}
