"""Units that failed in the actor pool → receipts, by as many isolated workers as have room."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue

import pyarrow as pa

from pipeline.contract.unit import Unit
from pipeline.errors import PipelineError
from pipeline.execution.isolated_worker import IsolatedWorker
from pipeline.execution.reservation import Reservation
from pipeline.execution.stop import Stopped
from pipeline.planning.job import Job


def publish_isolated(
    job: Job, units: Sequence[Unit], room: Reservation, stopped: Stopped
) -> Iterator[tuple[Unit, pa.Table | PipelineError]]:
    """Each of ``units`` with its receipt, or why it has none, as they end.

    Once ``stopped`` none is begun, and these are not among them. Raises MachineLostError.
    """
    number = min(len(units), room.actors)
    workers = [IsolatedWorker(job, room) for _ in range(number)]
    idle: SimpleQueue[IsolatedWorker] = SimpleQueue()
    for isolation in workers:
        idle.put(isolation)

    def publish(unit: Unit) -> pa.Table | PipelineError | None:
        isolation = idle.get()
        try:
            return None if stopped() else isolation.publish(unit)
        except PipelineError as error:
            return error
        finally:
            idle.put(isolation)

    pool = ThreadPoolExecutor(number, "isolated")
    try:
        tasks = {pool.submit(publish, unit): unit for unit in units}
        for left, task in zip(reversed(range(len(units))), as_completed(tasks), strict=True):
            if left < number:
                idle.get().close()  # another may still wait for its CPUs
            if (found := task.result()) is not None:
                yield tasks[task], found
    finally:
        for isolation in workers:
            isolation.close()
        pool.shutdown(cancel_futures=True)
