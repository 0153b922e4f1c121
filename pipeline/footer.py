"""A file's footer → its records, their size, and the columns to read.

Enters: a ``SourceFile``. Leaves: ``Footer``. What holds: no value of the file is read; the schema
has passed the gate, by itself or by being byte for byte one that has; a footer is read with the end
of its file, and only where that will not do is the file opened.
"""

from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.gate import gate, open_parquet
from pipeline.settings import InputSettings
from pipeline.storage import open_input, read_tail
from pipeline.unit import SourceFile


@dataclass(frozen=True, slots=True)
class Footer:
    """``unfolded`` is the records' size in bytes before compression; ``columns`` are to be read."""

    rows: int
    unfolded: int
    columns: pa.Schema


class FooterReader:
    """Reads footers of one corpus, from any number of threads."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        self._passed: dict[bytes, pa.Schema] = {}

    def __call__(self, source: SourceFile) -> Footer:
        """The footer of ``source``; InputError where there is none, or its columns do not pass."""
        return self._footer_of_tail(source) or self._footer_of_file(source)

    def _footer_of_tail(self, source: SourceFile) -> Footer | None:
        """None where the tail will not do, for whatever reason: then the file says why."""
        tail = read_tail(source)
        if tail is None:
            return None
        try:
            return self._footer(pa.BufferReader(tail), source.uri)
        except (InputError, pa.ArrowException, OSError):
            return None

    def _footer_of_file(self, source: SourceFile) -> Footer:
        with open_input(source) as file:
            return self._footer(file, source.uri)

    def _footer(self, file: BinaryIO, uri: str) -> Footer:
        parquet = open_parquet(file, uri)
        metadata = parquet.metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        _require_sum([group.num_rows for group in groups], metadata.num_rows, uri)
        unfolded = sum(group.total_byte_size for group in groups)
        return Footer(metadata.num_rows, unfolded, self._gated(parquet.schema_arrow, uri))

    def _gated(self, schema: pa.Schema, uri: str) -> pa.Schema:
        """What ``gate`` says of ``schema``; one that has passed is the same object each time.

        The key leaves out what pandas and others note of the file as a whole, and nothing else.
        """
        key = schema.remove_metadata().serialize().to_pybytes()
        passed = self._passed.get(key)
        if passed is None:
            passed = self._passed[key] = gate(schema, self._settings, uri)
        return passed


def _require_sum(rows: list[int], total: int, uri: str) -> None:
    if min(rows, default=0) < 0 or sum(rows) != total:
        raise InputError(
            f"{uri} is damaged: its footer has {total} rows in all and {sum(rows)} in its row "
            "groups."
        )
