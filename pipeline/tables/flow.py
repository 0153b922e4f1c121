"""Tables as Ray Datasets: parts in, tallies or files out.

Enters: outputs and the steps that are done with them. Leaves: the sum of their tallies; the files
of a table. What holds: rows go from the task that reads them to the task that writes their file,
and never through the driver, which sees one row a file and some for each date and language.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
import ray
from ray.data import DataContext, Dataset, Datasource
from ray.data.block import BlockMetadata
from ray.data.context import ShuffleStrategy
from ray.data.datasource import ReadTask

from pipeline.errors import PipelineError
from pipeline.execution.reservation import Request, reserved
from pipeline.execution.session import connected
from pipeline.tables.layout import FILE
from pipeline.tables.source import Source
from pipeline.tables.steps import Counting, PartOf, Placing, Writing
from pipeline.tables.table_files import TableFile
from pipeline.tables.tally import added

Held = PartOf | TableFile
"""What a block is made of."""

Step = Callable[[Any], pa.Table]
"""Makes the block of one of these."""

_MOST_TASKS = 1000
"""Tasks that read, and so blocks to spread: what goes from each to each is an object of its own."""


@contextmanager
def cluster(start_timeout: float) -> Iterator[None]:
    """A connection to the cluster at ``RAY_ADDRESS``, or a Ray of this machine for the while.

    Raises ClusterError where all CPUs of the cluster stay taken for ``start_timeout`` seconds.
    """
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with connected(1):
        with reserved(Request({"CPU": 1}, 1, 1, start_timeout)):
            pass  # its tasks hold a CPU each, and never while they wait for another
        yield


def tallied(sources: Sequence[Source], counting: Counting) -> pa.Table:
    """The sum of the tallies of all parts of ``sources``."""
    return added(_blocks(_dataset(counting, _parts(sources))))


def written(
    sources: Sequence[Source],
    again: Sequence[TableFile],
    placing: Placing,
    writing: Writing,
) -> tuple[TableFile, ...]:
    """The new files of a table: rows of ``sources``, and what stays of the files ``again``."""
    telling = [source for source in sources if placing.table.columns(source.origin)]
    held = [*_parts(telling), *again]
    if not held:
        return ()
    files = (
        _dataset(placing, held)
        .groupby(FILE.name)
        .map_groups(partial(_file, writing), batch_format="pyarrow")
    )
    bodies = [body for block in _blocks(files) for body in block["file"].to_pylist()]
    return tuple(sorted(map(TableFile.model_validate_json, bodies), key=lambda file: file.uri))


class _Blocks(Datasource):
    """A block of each of ``held``, by ``step``; they share tasks where there are many."""

    def __init__(self, step: Step, held: Sequence[Held]) -> None:
        self._step = ray.put(step)  # once, and not with each task: it has the whole layout
        self._held = held

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self,
        parallelism: int,
        per_task_row_limit: int | None = None,
        data_context: DataContext | None = None,
    ) -> list[ReadTask]:
        metadata = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
        tasks = min(len(self._held), _MOST_TASKS)
        return [
            ReadTask(partial(_made, self._step, self._held[number::tasks]), metadata)
            for number in range(tasks)
        ]


def _made(reference: "ray.ObjectRef[Step]", held: Sequence[Held]) -> Iterator[pa.Table]:
    step = ray.get(reference)
    return (step(one) for one in held)


def _file(writing: Writing, rows: pa.Table) -> pa.Table:
    """The same as ``writing``, but a function: Ray shows its name."""
    return writing(rows)


def _parts(sources: Sequence[Source]) -> list[Held]:
    return [PartOf(part, source.origin) for source in sources for part in source.parts]


def _dataset(step: Step, held: Sequence[Held]) -> Dataset:
    context = DataContext.get_current()
    context.target_max_block_size = None  # or Ray splits the rows of one file
    # By tasks and the object store, which spills; by hash, actors would hold all rows in memory.
    context.shuffle_strategy = ShuffleStrategy.SORT_SHUFFLE_PULL_BASED
    context.max_errored_blocks = 0  # an annotation in this process may have had it otherwise
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    blocks = min(len(held), _MOST_TASKS)
    dataset: Dataset = ray.data.read_datasource(_Blocks(step, held), override_num_blocks=blocks)
    return dataset


def _blocks(dataset: Dataset) -> Iterator[pa.Table]:
    """The blocks of ``dataset``; raises what a step raised, without Ray's wrapping."""
    options: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
    try:
        yield from dataset.iter_batches(prefetch_batches=0, **options)
    except Exception as error:
        explained = _cause(error)
        raise explained from None if explained is not error else error.__cause__


def _cause(error: BaseException) -> BaseException:
    """The failure of this package that ``error`` carries, or else ``error``."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, PipelineError):
        seen = getattr(seen, "cause", None) or seen.__cause__
    return seen or error
