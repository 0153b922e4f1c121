"""The job as one Ray Dataset: units in, receipts out.

Enters: units and a job. Leaves: a receipt for each unit that got through, in any order. What holds:
a unit is one block from reading to publishing, in three Ray tasks (before, in and after the model);
a stage that raises costs its unit, a process that dies the units in it, and neither stops the rest.
"""

import gc
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset, Datasource
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data.block import BlockMetadata
from ray.data.datasource import ReadTask
from ray.data.exceptions import SystemException
from ray.exceptions import RayError

from pipeline.contract.unit import Unit
from pipeline.execution.load_attempts import LoadAttempts
from pipeline.execution.ray_failures import explained
from pipeline.execution.reservation import Reservation
from pipeline.execution.stop import Stopped
from pipeline.stages.failure import STOPPED, failed_block, receipt, stopped_block
from pipeline.stages.prepare import Preparation
from pipeline.stages.stage_factory import StageFactory, TimeLimited

if TYPE_CHECKING:
    # Workers import this module; to read with they need neither a job nor torch.
    from pipeline.planning.job import Job

_WHOLE: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
"""A batch is a block, and so a unit."""
_PUBLISHERS = 2
"""Units that are published at once for each actor."""
_CHECK_SECONDS = 5
"""Seconds between two checks that the reserved machines are alive."""


def annotate_units(
    units: Sequence[Unit], job: "Job", room: Reservation, stopped: Stopped, *, in_flight: int
) -> Iterator[pa.Table]:
    """Publish ``units``; a table of ``schema.RECEIPT`` for each, except where a process died.

    ``in_flight`` is how many units an actor has at once: one at work, the others at hand. Once
    ``stopped``, no unit is begun: its receipt says so. Raises ClusterError, or what an actor of
    this package raised, where no actor can be made, and MachineLostError.
    """
    context = DataContext.get_current()
    _configure(context)
    watch = _watch(room)
    context.custom_execution_callback_classes.append(watch)
    runtime = job.settings.runtime
    # A task whose process died is not tried among others again: Ray would do so without end.
    task_options = {"max_retries": 0, **room.task_options()}
    # A new process for the units to come, and none of those that the old one died with.
    actor_options = {"max_restarts": -1, "max_task_retries": 0}
    pool = ActorPoolStrategy(
        min_size=room.actors, max_size=room.most, max_tasks_in_flight_per_actor=in_flight
    )
    strategies = room.strategies()
    dataset: Dataset = (
        ray.data.read_datasource(
            _Units(units, job.preparation, stopped),
            override_num_blocks=len(units),
            concurrency=room.most * runtime.readers,
            num_cpus=0,
            ray_remote_args=task_options,
        )
        .map_batches(
            _Annotator,
            fn_constructor_args=(
                ray.put(job.annotate),
                runtime.unit_timeout,
                stopped,
                LoadAttempts(job.actor_bytes(), room.task_options()),
            ),
            compute=pool,
            num_cpus=runtime.cpus_per_actor,
            num_gpus=runtime.gpus_per_actor,
            ray_remote_args_fn=lambda: actor_options | {"scheduling_strategy": next(strategies)},
            **_WHOLE,
        )
        .map_batches(
            partial(receipt, publish=job.publisher),
            num_cpus=0,
            concurrency=room.most * _PUBLISHERS,
            ray_remote_args_fn=lambda: task_options,
            **_WHOLE,
        )
    )
    try:
        yield from dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
    except (RayError, SystemException) as error:
        raise explained(error, "annotate") from error
    finally:
        context.custom_execution_callback_classes.remove(watch)  # the process may use Ray Data more
        # What ran the dataset and the handles of its actors are in cycles. Until these are
        # collected, the actors live and hold their CPUs; on a cluster that has none to spare the
        # actors of the next round wait for them, and a driver that waits collects nothing.
        del dataset
        gc.collect()


class _Units(Datasource):
    """One read task, and so one block, a unit, which leaves it ready for the model.

    With a task for each stage a unit would wait for a CPU and move its block once a stage.
    """

    def __init__(self, units: Sequence[Unit], preparation: Preparation, stopped: Stopped) -> None:
        self._units = units
        self._stopped = stopped
        self._preparation = ray.put(preparation)

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self,
        parallelism: int,
        per_task_row_limit: int | None = None,
        data_context: DataContext | None = None,
    ) -> list[ReadTask]:
        return [
            ReadTask(
                partial(_prepared, unit, self._preparation, self._stopped),
                BlockMetadata(
                    num_rows=unit.rows,
                    size_bytes=None,
                    exec_stats=None,
                    input_files=(unit.source.uri,),
                ),
            )
            for unit in self._units
        ]


class _Annotator:
    """The actor: loads the models once."""

    def __init__(
        self,
        factory: "ray.ObjectRef[StageFactory]",
        timeout: float,
        stopped: Stopped,
        attempts: LoadAttempts,
    ) -> None:
        with attempts.counted():
            annotate = ray.get(factory)  # imports torch, of which a process may die as well
            annotate.stage()
        self._stopped = stopped
        self._annotate = TimeLimited(annotate, timeout)

    def __call__(self, block: pa.Table) -> pa.Table:
        return stopped_block(block) if self._stopped() else self._annotate(block)


def _prepared(
    unit: Unit, preparation: "ray.ObjectRef[Preparation]", stopped: Stopped
) -> list[pa.Table]:
    if stopped():
        return [failed_block(unit.to_json(), STOPPED)]
    return [ray.get(preparation)(unit)]


def _watch(room: Reservation) -> type[ExecutionCallback]:
    class Watch(ExecutionCallback):
        """Ends a round whose actors may be waiting for a lost machine."""

        def __init__(self) -> None:
            self._checked = time.monotonic()

        def on_execution_step(self, executor: object) -> None:
            if time.monotonic() - self._checked > _CHECK_SECONDS:
                self._checked = time.monotonic()
                room.require_machines()

    return Watch


def _configure(context: DataContext) -> None:
    context.target_max_block_size = None  # or Ray splits large blocks, and a unit must stay whole
    context.max_errored_blocks = -1  # a process that died is found out by the missing receipts
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # Ray 2.60 has no other way yet to say how often an actor restarts and a task is tried again.
    warnings.filterwarnings("ignore", "`ray_remote_args", DeprecationWarning)
    # A round may well have fewer units than may be published at once.
    warnings.filterwarnings("ignore", "The maximum number of concurrent tasks", UserWarning)
    # Nor need there be a block for each actor: the processes that read them may have died.
    warnings.filterwarnings("ignore", "The minimum number of concurrent actors", UserWarning)
