"""Suspects: units that got no commit record, annotated apart from all others.

Enters: suspects. Leaves: their receipts. What holds: each runs in an ``Isolation``, of which there
are as many at a time as the job has actors and the cluster has room for.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue

import pyarrow as pa
import ray

from pipeline.errors import PipelineError
from pipeline.isolation import Isolation
from pipeline.job import Job
from pipeline.settings import RuntimeSettings
from pipeline.stop import Stopped
from pipeline.unit import Unit


def publish_apart(
    job: Job, units: Sequence[Unit], stopped: Stopped
) -> Iterator[tuple[Unit, pa.Table | PipelineError]]:
    """Each of ``units`` with its receipt, or why it has none, as they end.

    Once ``stopped`` none is begun, and these are not among them.
    """
    number = min(len(units), _places(job.settings.runtime))
    isolations = [Isolation(job) for _ in range(number)]
    idle: SimpleQueue[Isolation] = SimpleQueue()
    for isolation in isolations:
        idle.put(isolation)

    def publish(unit: Unit) -> pa.Table | PipelineError | None:
        isolation = idle.get()
        try:
            return None if stopped() else isolation.publish(unit)
        except PipelineError as error:
            return error
        finally:
            idle.put(isolation)

    pool = ThreadPoolExecutor(number, "apart")
    try:
        tasks = {pool.submit(publish, unit): unit for unit in units}
        for left, task in zip(reversed(range(len(units))), as_completed(tasks), strict=True):
            if left < number:
                idle.get().close()  # another may still wait for its CPUs
            if (found := task.result()) is not None:
                yield tasks[task], found
    finally:
        for isolation in isolations:
            isolation.close()
        pool.shutdown(cancel_futures=True)


def _places(runtime: RuntimeSettings) -> int:
    """How many actors the cluster has room for, which may have lost a machine since the start."""
    has = ray.cluster_resources()  # type: ignore[no-untyped-call]
    needs = {"CPU": runtime.cpus_per_actor, "GPU": runtime.gpus_per_actor}
    places = [int(has.get(name, 0) / one) for name, one in needs.items() if one]
    return max(1, min(runtime.actors.max, *places))
