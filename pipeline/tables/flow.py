"""Tables as Ray Datasets: parts in, tallies or files out.

Enters: outputs and the steps that are done with them. Leaves: the sum of their tallies; the files
of a table. What holds: rows go from the task that reads them to the task that writes their file,
and never through the driver, which sees one row a file and some for each date and language.
"""

import logging
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import ray
from pyiceberg.manifest import DataFile
from ray.data import DataContext, Dataset
from ray.data.context import ShuffleStrategy
from ray.exceptions import RayError

from pipeline.contract.schema import RECORD_ID
from pipeline.execution.ray_failures import explained
from pipeline.execution.reservation import Request, reserved
from pipeline.execution.session import connected
from pipeline.tables.columns import conformed
from pipeline.tables.data_files import PARTITION, DataFiles, TableFile
from pipeline.tables.layout import Layout
from pipeline.tables.rows import TableRows
from pipeline.tables.source import CommittedPart, Source
from pipeline.tables.tally import added, tally_part

_MOST_BLOCKS = 1000
"""Blocks that are sorted: what goes from each to each is an object of its own."""

_ARROW: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}


@contextmanager
def cluster(start_timeout: float) -> Iterator[None]:
    """A connection to the cluster at ``RAY_ADDRESS``, or to a Ray on this machine for the time.

    Raises ClusterError where all CPUs of the cluster stay taken for ``start_timeout`` seconds.
    """
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with connected(1):
        with reserved(Request({"CPU": 1}, 1, 1, start_timeout)):
            pass  # its tasks hold a CPU each, and never while they wait for another
        yield


@dataclass(frozen=True)
class Placing:
    """Part, or file that is rewritten → rows of a table, placed.

    Rows of the outputs ``replaced`` are left out of what is rewritten.
    """

    table: TableRows
    layout: Layout
    files: DataFiles
    replaced: frozenset[str]

    def __call__(self, held: CommittedPart | TableFile) -> pa.Table:
        """The rows of ``held`` that are to be in the table."""
        if isinstance(held, TableFile):
            return self.layout.placed(self.files.rows(held.scan, self.replaced))
        rows = self.table.rows(held.read(self.table.columns(held.origin)), held)
        return self.layout.placed(conformed(rows, self.files.schema))


def tallied(sources: Sequence[Source]) -> pa.Table:
    """The sum of the tallies of all parts of ``sources``."""
    return added(blocks(tally_part, _parts(sources)))


def written(
    sources: Sequence[Source], again: Sequence[TableFile], placing: Placing, target_bytes: int
) -> list[DataFile]:
    """The new files of a table: rows of ``sources``, and what stays of the files ``again``."""
    size = sum(source.estimated_bytes(placing.table.columns(source.origin)) for source in sources)
    size += sum(file.bytes for file in again)
    number = min(_MOST_BLOCKS, max(1, math.ceil(size / target_bytes)))

    def write(rows: pa.Table) -> pa.Table:
        files = placing.files.write(rows) if rows.num_rows else []
        return pa.table({"file": pa.array(map(pickle.dumps, files), pa.binary())})

    def sorted_and_written(rows: Dataset) -> Dataset:
        sorted_rows = rows.sort([PARTITION.name, RECORD_ID.name]).repartition(number)
        return sorted_rows.map_batches(write, **_ARROW)

    bodies = blocks(placing, [*_parts(sources), *again], sorted_and_written)
    return [pickle.loads(body) for block in bodies for body in block["file"].to_pylist()]


def blocks(
    step: Callable[[Any], pa.Table],
    held: Sequence[object],
    then: Callable[[Dataset], Dataset] = lambda dataset: dataset,
) -> Iterator[pa.Table]:
    """The blocks of ``step`` of each of ``held``, and of what is done with them ``then``.

    Raises what a step raised, without Ray's wrapping.
    """
    if not held:
        return
    context = DataContext.get_current()
    context.target_max_block_size = None  # or Ray splits what becomes one file
    # By tasks and the object store, which spills; by hash, actors would hold all rows in memory.
    context.shuffle_strategy = ShuffleStrategy.SORT_SHUFFLE_PULL_BASED
    context.max_errored_blocks = 0  # an annotation in this process may have had it otherwise
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    shared = ray.put((step, held))  # once, and not with each task

    def made(batch: dict[str, np.ndarray]) -> Iterator[pa.Table]:
        step, held = ray.get(shared)
        return (step(held[number]) for number in batch["id"])

    numbers = ray.data.range(len(held), override_num_blocks=min(len(held), _MOST_BLOCKS))
    dataset = then(numbers.map_batches(made, batch_size=None, batch_format="numpy"))
    try:
        yield from dataset.iter_batches(prefetch_batches=0, **_ARROW)
    except RayError as error:
        raise explained(error, "build the tables") from None


def _parts(sources: Sequence[Source]) -> list[CommittedPart]:
    return [part for source in sources for part in source.parts]
