"""What stands in an output folder, and how its rows are read.

Enters: a store. Leaves: ``Output``, and tables of rows. What holds: columns are read only where
their type is the expected one, and values only once Arrow has found them sound; of a large output
the leading rows of some files are read, which are spread evenly over it.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from pipeline.errors import OutputError
from pipeline.output.commit import COMMIT, DATA, QUARANTINE
from pipeline.output.manifest import listed
from pipeline.output.output_lock import RUN, RunIdentity
from pipeline.reporting.page.limits import ALL_PARTS, PARTS
from pipeline.reporting.run_report import REPORT, RunReport
from pipeline.storage import Store
from pipeline.storage.backend import explained, filesystem

_READERS = 4
_BATCH_ROWS = 1024
_BUFFER = 1 << 20
"""Bytes that are read of a column at a time; the default reads it whole."""

Shape = Callable[[pa.Table], pa.Table]
"""What is kept of a batch of rows, so that the rest need not be held."""

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Sought:
    """At most ``most`` rows of ``standing``."""

    most: int
    standing: int


@dataclass(frozen=True)
class Output:
    """A finished job's folder; ``schema`` is that of its parts, None where there are none."""

    store: Store
    report: RunReport
    identity: RunIdentity
    schema: pa.Schema | None
    parts: tuple[str, ...]
    quarantines: tuple[str, ...]
    commits: tuple[str, ...]

    def named(self, uri: str) -> str:
        """The input file at ``uri``, by its path in the corpus."""
        settings = self.identity.echo.get("input")
        corpus = str(settings.get("uri")) if isinstance(settings, dict) else ""
        return uri.rpartition("/")[2] if uri == corpus else uri.removeprefix(f"{corpus}/")


def read_output(store: Store) -> Output:
    """What stands in ``store``; raises OutputError where no finished job left it."""
    report, identity = _parsed(store, REPORT, RunReport), _parsed(store, RUN, RunIdentity)
    is_listed = listed(store)
    parts, quarantines, commits = (
        tuple(filter(is_listed, store.listing(folder))) for folder in (DATA, QUARANTINE, COMMIT)
    )
    return Output(
        store=store,
        report=report,
        identity=identity,
        schema=_opened(store, parts[0], _schema) if parts else None,
        parts=parts,
        quarantines=quarantines,
        commits=commits,
    )


def read_rows(
    store: Store,
    paths: Sequence[str],
    columns: pa.Schema,
    sought: Sought,
    shape: Shape = lambda table: table,
) -> pa.Table:
    """``columns`` of the rows that are ``sought`` in ``paths``, each batch put in ``shape``."""
    most = sought.most
    everything = sought.standing <= most and len(paths) <= ALL_PARTS
    chosen = list(paths) if everything else spread(paths, min(PARTS, most))
    each = most if everything else -(-most // max(1, len(chosen)))
    with ThreadPoolExecutor(_READERS) as readers:
        leading = partial(_leading, columns=columns, most=each, shape=shape)
        tables = list(readers.map(lambda path: _opened(store, path, leading), chosen))
    if not tables:
        return shape(columns.empty_table())
    return pa.concat_tables(tables).slice(0, most)


def spread(values: Sequence[str], most: int) -> list[str]:
    """At most ``most`` of ``values``, at even distances."""
    if len(values) <= most:
        return list(values)
    return [values[place * len(values) // most] for place in range(most)]


def _parsed(store: Store, path: str, model: type[_Model]) -> _Model:
    body = store.read(path)
    if body is None:
        raise OutputError(
            f"{store.uri} has no {path}; expected the folder of a job that has ended. Name the "
            "folder that output.uri names, or run the job again, which completes it."
        )
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors()[:5])
        raise OutputError(
            f"{store.uri_of(path)} is not as this version writes it (wrong at: "
            f"{places or 'the whole'}). Run the job again, which writes it anew."
        ) from None


_Result = TypeVar("_Result")


def _opened(store: Store, path: str, read: Callable[[pq.ParquetFile, str], _Result]) -> _Result:
    """What ``read`` makes of the file; it is told the file's URI for its errors."""
    uri = store.uri_of(path)
    with explained(OutputError, "read", uri):
        files, name = filesystem(uri)
        try:
            with (
                files.open(name, "rb") as file,
                pq.ParquetFile(file, buffer_size=_BUFFER) as parquet,
            ):
                return read(parquet, uri)
        except pa.ArrowException as error:
            raise OutputError(
                f"{uri} cannot be read as Parquet: {type(error).__name__}. jobs/verify.py says "
                "what else is wrong with the folder."
            ) from error


def _schema(parquet: pq.ParquetFile, uri: str) -> pa.Schema:
    return parquet.schema_arrow


def _leading(
    parquet: pq.ParquetFile, uri: str, *, columns: pa.Schema, most: int, shape: Shape
) -> pa.Table:
    found = parquet.schema_arrow
    for field in columns:
        if field.name not in found.names or found.field(field.name).type != field.type:
            raise OutputError(
                f"{uri} has no column {field.name} of type {field.type}, as other files of the "
                "folder have. jobs/verify.py says what else is wrong with it."
            )
    batches = [shape(pa.table(batch)) for batch in _batches(parquet, columns.names, most)]
    return pa.concat_tables(batches) if batches else shape(columns.empty_table())


def _batches(parquet: pq.ParquetFile, names: list[str], most: int) -> Iterator[pa.RecordBatch]:
    left = most
    for batch in parquet.iter_batches(min(_BATCH_ROWS, most), columns=names):
        batch.validate(full=True)
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return
