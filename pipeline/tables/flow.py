"""Tables as Ray Datasets: parts in, tallies or files out.

Enters: outputs and the steps that are done with them. Leaves: the sum of their tallies; the files
of a table. What holds: rows go from the task that reads them to the task that writes their file,
and never through the driver, which sees one row a file and some for each date and language.
"""

import logging
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

from pipeline.execution.ray_failures import explained
from pipeline.execution.reservation import Request, reserved
from pipeline.execution.session import connected
from pipeline.tables.data_files import DataFiles, TableFile
from pipeline.tables.layout import FILE, Layout, file_number
from pipeline.tables.rows import TableRows, entity_column
from pipeline.tables.source import CommittedPart, Origin, Source, compressed_bytes, opened, read
from pipeline.tables.tally import COLUMNS, added, tally_part

_MOST_TASKS = 1000
"""Tasks that read, and so blocks to spread: what goes from each to each is an object of its own."""

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
class PartOf:
    """A part, and what it has in common with the others of its source."""

    part: CommittedPart
    origin: Origin

    def read(self, columns: Sequence[str]) -> pa.Table:
        """The part's ``columns``."""
        with opened(self.part.uri, self.part.bytes, self.origin.schema) as parquet:
            return read(parquet, columns)


@dataclass(frozen=True)
class Counting:
    """Part → tally; ``tables`` are those whose sizes are estimated."""

    tables: tuple[TableRows, ...]

    def __call__(self, held: PartOf) -> pa.Table:
        """The tally of the part."""
        part, origin = held.part, held.origin
        with opened(part.uri, part.bytes, origin.schema) as parquet:
            sizes = {t.name: compressed_bytes(parquet, t.columns(origin)) for t in self.tables}
        rows = held.read((*COLUMNS, *origin.date.columns, *entity_column(origin)))
        return tally_part(rows, part, origin, sizes)


@dataclass(frozen=True)
class Placing:
    """Part, or file that is rewritten → rows of a table with the key of the file they go to.

    Rows of the outputs ``replaced`` are left out of what is rewritten.
    """

    table: TableRows
    layout: Layout
    files: DataFiles
    replaced: frozenset[str]

    def __call__(self, held: PartOf | TableFile) -> pa.Table:
        """The rows of ``held`` that are to be in the table."""
        if isinstance(held, TableFile):
            return self.layout.placed(self.files.rows(held.scan, self.replaced), 0)
        part, origin = held.part, held.origin
        rows = self.table.rows(held.read(self.table.columns(origin)), part, origin)
        # Each unit begins to deal at another file, or those of few rows would all go to the first.
        return self.layout.placed(self.files.conformed(rows), int(part.unit_id[:8], 16))

    def write(self, rows: pa.Table) -> pa.Table:
        """``rows`` of one key → the data file, pickled: its entry for the table's manifest."""
        if not rows.num_rows:
            return pa.table({"file": pa.array([], pa.binary())})
        number = file_number(rows[FILE.name][0].as_py())
        file = self.files.write(rows.drop_columns([FILE.name]), number)
        return pa.table({"file": [pickle.dumps(file)]})


def tallied(sources: Sequence[Source], counting: Counting) -> pa.Table:
    """The sum of the tallies of all parts of ``sources``."""
    return added(blocks(counting, _parts(sources)))


def written(
    sources: Sequence[Source], again: Sequence[TableFile], placing: Placing
) -> list[DataFile]:
    """The new files of a table: rows of ``sources``, and what stays of the files ``again``."""
    telling = [source for source in sources if placing.table.columns(source.origin)]

    def grouped(rows: Dataset) -> Dataset:
        return rows.groupby(FILE.name).map_groups(placing.write, batch_format="pyarrow")

    bodies = blocks(placing, [*_parts(telling), *again], grouped)
    files = [pickle.loads(body) for block in bodies for body in block["file"].to_pylist()]
    return sorted(files, key=lambda file: str(file.file_path))


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
    context.target_max_block_size = None  # or Ray splits the rows of one file
    # By tasks and the object store, which spills; by hash, actors would hold all rows in memory.
    context.shuffle_strategy = ShuffleStrategy.SORT_SHUFFLE_PULL_BASED
    context.max_errored_blocks = 0  # an annotation in this process may have had it otherwise
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    shared = ray.put((step, held))  # once, and not with each task

    def made(batch: dict[str, np.ndarray]) -> Iterator[pa.Table]:
        step, held = ray.get(shared)
        return (step(held[number]) for number in batch["id"])

    numbers = ray.data.range(len(held), override_num_blocks=min(len(held), _MOST_TASKS))
    dataset = then(numbers.map_batches(made, batch_size=None, batch_format="numpy"))
    try:
        yield from dataset.iter_batches(prefetch_batches=0, **_ARROW)
    except RayError as error:
        raise explained(error, "build the tables") from None


def _parts(sources: Sequence[Source]) -> list[PartOf]:
    return [PartOf(part, source.origin) for source in sources for part in source.parts]
