"""A file's footer → its records, their size, the columns to read, and a hash of its content.

No value of the file is read. The schema has passed the schema check, or is byte for byte one that
has. The content hash covers the size, the footer and the last 64 KiB, and on GCS the store's
checksum. The footer holds position, size and statistics of each column chunk, so that a rewritten
file has another one. An edit that keeps all of these in a file above 64 KiB goes unnoticed: say,
another letter in the middle of a page of the same length that moves no minimum, maximum or count.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import BinaryIO

import pyarrow as pa

from pipeline.config import InputSettings
from pipeline.contract.unit import SourceFile
from pipeline.corpus.input_schema import gate, open_parquet
from pipeline.errors import InputError
from pipeline.storage import TAIL_BYTES, open_input, read_tail


@dataclass(frozen=True, slots=True)
class Footer:
    """``unfolded`` is the records' size in bytes before compression; ``columns`` are to be read.

    ``content`` is a hash that stands for the file's content.
    """

    rows: int
    unfolded: int
    columns: pa.Schema
    content: str


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
            return self._footer(pa.BufferReader(tail), source.uri, _content(source, tail))
        except (InputError, pa.ArrowException, OSError):
            return None

    def _footer_of_file(self, source: SourceFile) -> Footer:
        with open_input(source) as file:
            footer = self._footer(file, source.uri, "")
            return replace(footer, content=_content(source, _end(file, source.size)))

    def _footer(self, file: BinaryIO, uri: str, content: str) -> Footer:
        parquet = open_parquet(file, uri)
        metadata = parquet.metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        _require_sum([group.num_rows for group in groups], metadata.num_rows, uri)
        unfolded = sum(group.total_byte_size for group in groups)
        columns = self._gated(parquet.schema_arrow, uri)
        return Footer(metadata.num_rows, unfolded, columns, content)

    def _gated(self, schema: pa.Schema, uri: str) -> pa.Schema:
        """What ``gate`` says of ``schema``; one that has passed is the same object each time.

        The key leaves out what pandas and others note of the file as a whole, and nothing else.
        """
        key = schema.remove_metadata().serialize().to_pybytes()
        passed = self._passed.get(key)
        if passed is None:
            passed = self._passed[key] = gate(schema, self._settings, uri)
        return passed


def _content(source: SourceFile, end: bytes) -> str:
    """The hash of a file that ends with ``end``, which holds its footer."""
    digest = hashlib.sha256(f"{source.size} {source.content} ".encode())
    digest.update(end)
    return digest.hexdigest()[:32]


def _end(file: BinaryIO, size: int) -> bytes:
    """What ``read_tail`` gets of a file, or more where the footer is longer."""
    file.seek(max(0, size - 8))
    footer = int.from_bytes(file.read(4), "little") + 8
    file.seek(max(0, size - max(TAIL_BYTES, footer)))
    return file.read()


def _require_sum(rows: list[int], total: int, uri: str) -> None:
    if min(rows, default=0) < 0 or sum(rows) != total:
        raise InputError(
            f"{uri} is damaged: its footer has {total} rows in all and {sum(rows)} in its row "
            "groups."
        )
