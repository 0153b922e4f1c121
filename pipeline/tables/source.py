"""An enriched output as tables see it: its committed parts, and what they have in common."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpus.input_schema import open_parquet
from pipeline.errors import DamagedError, OutputError, SchemaError
from pipeline.storage import input_file, open_input
from pipeline.tables.dates import DateRule


@dataclass(frozen=True)
class Origin:
    """What the rows of all parts of a source have in common.

    ``schema`` is the parts'. ``inputs`` names the columns that came from the input, ``text`` the
    one with the text, ``tasks`` those that tasks added; ``labels`` names classification tasks.
    ``sizes`` are bytes of the first part, by column.
    """

    name: str
    date: DateRule
    schema: pa.Schema
    inputs: tuple[str, ...]
    text: str | None
    tasks: tuple[str, ...]
    labels: tuple[str, ...]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class CommittedPart:
    """The part of one unit; ``file`` is the input file that the unit is of.

    ``quarantined`` counts records by language tag, ``reasons`` the same records by ``error_type``.
    """

    origin: Origin
    uri: str
    bytes: int
    sha256: str
    unit_id: str
    file: str
    quarantined: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]

    def read(self, columns: Collection[str]) -> pa.Table:
        """The part's rows, those of ``columns`` that it has.

        Raises SchemaError where its columns are not those of the source's first part.
        """
        with opened(self.uri, self.bytes) as parquet:
            seen, schema = schema_of(parquet), self.origin.schema
            if not seen.equals(schema):
                differing = sorted({f"{one.name}: {one.type}" for one in set(seen) ^ set(schema)})
                raise SchemaError(
                    f"{self.uri} has other columns than the first part of its output; they differ "
                    f"in {', '.join(differing) or 'order'}. Check the output with jobs/verify.py."
                )
            there = [name for name in schema.names if name in columns]
            return parquet.read(there).replace_schema_metadata()


@dataclass(frozen=True)
class Source:
    """One enriched output."""

    uri: str
    fingerprint: str
    origin: Origin
    parts: tuple[CommittedPart, ...]

    @property
    def name(self) -> str:
        """What the tables call it."""
        return self.origin.name

    @property
    def digest(self) -> str:
        """A hash of what is committed: of the parts' bytes, and of what is in quarantine."""
        held = sorted((part.sha256, part.quarantined, part.reasons) for part in self.parts)
        return hashlib.sha256(json.dumps(held).encode()).hexdigest()

    def estimated_bytes(self, columns: Collection[str]) -> float:
        """What ``columns`` take of all parts, if these are like the first."""
        sizes = self.origin.sizes
        share = sum(sizes.get(name, 0) for name in columns) / max(1, sum(sizes.values()))
        return share * sum(part.bytes for part in self.parts)


@contextmanager
def opened(uri: str, size: int) -> Iterator[pq.ParquetFile]:
    """The part at ``uri``; OutputError where it has not ``size`` bytes.

    Raises DamagedError where its pages cannot be read inside the ``with``.
    """
    file = input_file(uri)
    if file.size != size:
        raise OutputError(
            f"{uri} has {file.size} bytes; {size} were committed. Check the output with "
            "jobs/verify.py, and do not change it while tables are built from it."
        )
    with open_input(file) as stream:
        try:
            yield open_parquet(stream, uri)
        except pa.ArrowException as error:
            raise DamagedError(
                f"{uri} cannot be read: {type(error).__name__}. Check the output with "
                "jobs/verify.py."
            ) from error


def schema_of(parquet: pq.ParquetFile) -> pa.Schema:
    """The columns of ``parquet``."""
    return parquet.schema_arrow.remove_metadata()


def column_bytes(parquet: pq.ParquetFile) -> Counter[str]:
    """What each column takes of the file, by its footer."""
    sizes: Counter[str] = Counter()
    for group in map(parquet.metadata.row_group, range(parquet.metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            sizes[chunk.path_in_schema.partition(".")[0]] += chunk.total_compressed_size
    return sizes
