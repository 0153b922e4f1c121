"""One Parquet file of a table.

Enters: rows of one partition. Leaves: a file, created once, and what a table has to know of it.
What holds: a file's name follows from the run's plan, so that a run that is told again what it did
before adopts its own files; a file that stands is never written over.
"""

import io
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.contract.record import Count, Record
from pipeline.errors import OutputError
from pipeline.storage import Store
from pipeline.tables.columns import conformed


class Partition(NamedTuple):
    """A span of dates, and a language or ``other``."""

    dates: str
    group: str

    def __str__(self) -> str:
        """The folders of the partition, as Hive names them."""
        dates, group = (quote(value, safe="") for value in self)
        return f"date_group={dates}/language_group={group}"

    @classmethod
    def parse(cls, folders: str) -> "Partition":
        """The partition that ``str`` of it wrote."""
        return cls(*(unquote(folder.partition("=")[2]) for folder in folders.split("/")))


UNPARTITIONED = Partition("", "")
"""Where the files of a table without partitions are."""


class TableFile(Record):
    """A file of a table.

    ``first_source`` and ``last_source`` are the first and last of the names of the outputs that its
    rows are of.
    """

    uri: str
    rows: Count
    bytes: Count
    partition: Partition
    first_source: str
    last_source: str

    def may_hold(self, sources: Collection[str]) -> bool:
        """Whether rows of ``sources`` may be in it."""
        return any(self.first_source <= source <= self.last_source for source in sources)

    def holds_only(self, sources: Collection[str]) -> bool:
        """Whether all its rows are of ``sources``, as far as its names tell."""
        return self.first_source == self.last_source and self.first_source in sources


_ORDER = ("date", "language", "record_id", "ordinal", "task", "source")
"""Rows are sorted by these: a reader who asks for some dates or languages skips the rest."""


@dataclass(frozen=True)
class Target:
    """Where the files of a table go: below ``folder`` of ``store``, with the columns of ``schema``.

    ``plan`` names the run's plan in the files' names. ``never_empty``: a table without rows has a
    file all the same, which tells its columns.
    """

    store: Store
    folder: str
    schema: pa.Schema
    plan: str
    never_empty: bool = False

    def write(self, rows: pa.Table, partition: Partition, number: int = 0) -> TableFile:
        """The ``number``-th file of ``partition``, with ``rows``, or the one that stands."""
        rows = rows.sort_by([(name, "ascending") for name in _ORDER if name in rows.column_names])
        folders = "" if partition == UNPARTITIONED else f"{partition}/"
        path = f"{self.folder}/{folders}part-{self.plan}-{number:05}.parquet"
        body = _parquet(conformed(rows, self.schema))
        if not self.store.create(path, body):
            body = self._standing(path, rows.num_rows)
        sources = pc.min_max(rows["source"]).as_py()
        return TableFile(
            uri=self.store.uri_of(path),
            rows=rows.num_rows,
            bytes=len(body),
            partition=partition,
            first_source=sources["min"] or "",
            last_source=sources["max"] or "",
        )

    def _standing(self, path: str, rows: int) -> bytes:
        """What an earlier attempt at this plan wrote; OutputError where that are other rows."""
        body = self.store.read(path) or b""
        try:
            seen = pq.read_metadata(pa.BufferReader(body)).num_rows
        except (pa.ArrowException, OSError):
            seen = -1
        if seen != rows:
            raise OutputError(
                f"{self.store.uri_of(path)} is there and is no file of {rows} rows, as this run's "
                "plan makes it. Delete it and run the job again."
            )
        return body


def _parquet(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    return sink.getvalue()
