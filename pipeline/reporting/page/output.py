"""The files of a finished output folder, and rows read from them within bounds."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, JsonValue, ValidationError

from pipeline.contract.record import wrong_places
from pipeline.errors import OutputError
from pipeline.output.commit import COMMIT, DATA, QUARANTINE
from pipeline.output.manifest import listed
from pipeline.output.output_lock import REPORT, RUN, RunIdentity
from pipeline.reporting.run_report import RunReport
from pipeline.storage import Store
from pipeline.storage.backend import explained, filesystem

_ALL_FILES = 256  # up to so many files, all are read where their rows are few enough
_SOME_FILES = 64  # else so many are read, spread evenly over the output
_READERS = 4
_BATCH_ROWS = 1024
_BUFFER = 1 << 20  # bytes read of a column at a time; by default the whole column chunk is read

Shape = Callable[[pa.Table], pa.Table]

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class RowFiles:
    """Parquet files in ``store`` that hold ``rows`` rows together."""

    store: Store
    paths: tuple[str, ...]
    rows: int

    def schema(self) -> pa.Schema | None:
        """The schema of the first file; None where there are no files."""
        if not self.paths:
            return None
        with _parquet(self.store, self.paths[0]) as parquet:
            return parquet.schema_arrow

    def read(self, columns: pa.Schema, most: int, shape: Shape = lambda table: table) -> pa.Table:
        """At most ``most`` rows: all of few, else the leading rows of files spread evenly.

        ``shape`` is applied to each batch, so that what it drops is not kept in memory. Raises
        OutputError where a file is damaged or has a column of ``columns`` with another type.
        """
        if not (self.paths and most):
            return shape(columns.empty_table())
        reads_all = self.rows <= most and len(self.paths) <= _ALL_FILES
        paths = self.paths if reads_all else spread(self.paths, min(_SOME_FILES, most))
        each = most if reads_all else -(-most // len(paths))
        leading = partial(_leading_rows, self.store, columns=columns, most=each, shape=shape)
        with ThreadPoolExecutor(_READERS) as readers:
            return pa.concat_tables(readers.map(leading, paths)).slice(0, most)


@dataclass(frozen=True)
class Output:
    """The folder of a finished job; ``commits`` are the paths of its commit records."""

    store: Store
    report: RunReport
    identity: RunIdentity
    parts: RowFiles
    quarantine: RowFiles
    commits: tuple[str, ...]

    def settings(self, section: str) -> dict[str, JsonValue]:
        """A section of the config that the job ran with; empty where it was not recorded."""
        found = self.identity.echo.get(section)
        return found if isinstance(found, dict) else {}

    def path_in_corpus(self, uri: str) -> str:
        """The input file at ``uri``, relative to the job's input."""
        corpus = str(self.settings("input").get("uri", ""))
        return uri.rpartition("/")[2] if uri == corpus else uri.removeprefix(f"{corpus}/")


def read_output(store: Store) -> Output:
    """The output in ``store``; raises OutputError where it is not the folder of a finished job."""
    report, identity = _parsed(store, REPORT, RunReport), _parsed(store, RUN, RunIdentity)
    is_listed = listed(store)
    parts, quarantine, commits = (
        tuple(filter(is_listed, _plain_files(store, folder)))
        for folder in (DATA, QUARANTINE, COMMIT)
    )
    return Output(
        store=store,
        report=report,
        identity=identity,
        parts=RowFiles(store, parts, report.rows_out),
        quarantine=RowFiles(store, quarantine, report.rows_quarantined),
        commits=commits,
    )


def _plain_files(store: Store, folder: str) -> Iterator[str]:
    """The files in ``folder``; OutputError where one is a link, a pipe or a device."""
    for path, size in store.listing(folder).items():
        if size < 0:
            raise OutputError(
                f"{store.uri_of(path)} is not a regular file; no run wrote it. Remove it, and run "
                "jobs/verify.py to find what else is wrong with the folder."
            )
        yield path


def spread(values: Sequence[str], most: int) -> Sequence[str]:
    """At most ``most`` of ``values``, at even distances."""
    if len(values) <= most:
        return values
    return [values[place * len(values) // most] for place in range(most)]


def _parsed(store: Store, path: str, model: type[_Model]) -> _Model:
    body = store.read(path)
    if body is None:
        raise OutputError(
            f"{store.uri} has no {path}; expected the folder of a finished job. Pass the folder "
            "that output.uri names, or run the job again to complete it."
        )
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise OutputError(
            f"{store.uri_of(path)} was not written by this version ({wrong_places(error)}). Run "
            "the job again to rewrite it."
        ) from None


@contextmanager
def _parquet(store: Store, path: str) -> Iterator[pq.ParquetFile]:
    uri = store.uri_of(path)
    with explained(OutputError, "read", uri):
        files, name = filesystem(uri)
        try:
            with (
                files.open(name, "rb") as file,
                pq.ParquetFile(file, buffer_size=_BUFFER) as parquet,
            ):
                yield parquet
        except pa.ArrowException as error:
            raise OutputError(
                f"{uri} cannot be read as Parquet: {type(error).__name__}. Run jobs/verify.py to "
                "find what else is wrong with the folder."
            ) from error


def _leading_rows(
    store: Store, path: str, *, columns: pa.Schema, most: int, shape: Shape
) -> pa.Table:
    with _parquet(store, path) as parquet:
        found = parquet.schema_arrow
        for field in columns:
            if field.name not in found.names or found.field(field.name).type != field.type:
                raise OutputError(
                    f"{store.uri_of(path)} has no column {field.name} of type {field.type}, unlike "
                    "other files of the folder. Run jobs/verify.py to find what else is wrong."
                )
        batches, left = [shape(columns.empty_table())], most
        for batch in parquet.iter_batches(min(_BATCH_ROWS, most), columns=columns.names):
            batch.validate(full=True)
            batches.append(shape(pa.table(batch.slice(0, left))))
            left -= batch.num_rows
            if left <= 0:
                break
        return pa.concat_tables(batches)
