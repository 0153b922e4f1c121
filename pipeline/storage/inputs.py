"""The corpus: Parquet files at a URI.

A file's version is its ETag on S3, its generation on GCS and its modification time on a local disk.
Only the planned version is opened.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import fsspec
from fsspec.core import has_magic

from pipeline.contract.unit import SourceFile
from pipeline.errors import InputError
from pipeline.storage.backend import canonical, explained, files_below, filesystem

_READ_AHEAD = 1 << 20
"""Bytes read beyond what was asked for: a column chunk's pages come in many small reads."""


def input_files(uri: str) -> list[SourceFile]:
    """The files at ``uri``, sorted: the file itself, all ``*.parquet`` below a folder, or a glob.

    Names that begin with ``_`` or ``.`` are skipped, as Spark, DuckDB and pyarrow skip them.
    Raises InputError where nothing is found.
    """
    uri = canonical(uri)
    with explained(InputError, "list", uri):
        files, path = filesystem(uri)
        found = [_source(files, info) for info in _candidates(files, path)]
    if not found:
        raise InputError(
            f"No Parquet file at {uri}. Expected a file, a glob, or a folder with *.parquet below "
            "it whose names do not begin with '_' or '.'. Set input.uri."
        )
    return sorted(found, key=lambda source: source.uri)


@contextmanager
def open_input(source: SourceFile) -> Iterator[BinaryIO]:
    """``source`` open for reading and seeking; InputError if it is not the file that was planned.

    An OSError that reading it raises inside the ``with`` leaves as InputError too.
    """
    with explained(InputError, "read", source.uri):
        files, path = filesystem(source.uri)
        with files.open(path, "rb", block_size=_READ_AHEAD, cache_type="readahead") as file:
            seen = _source(files, _details(file, path))
            if (seen.size, seen.version) != (source.size, source.version):
                raise InputError(
                    f"{source.uri} has changed since the job was planned: it is version "
                    f"{seen.version} ({seen.size} bytes), expected {source.version} "
                    f"({source.size} bytes). Leave input files alone while a job runs; start the "
                    "job again to plan with the new file."
                )
            yield file


def _candidates(files: fsspec.AbstractFileSystem, path: str) -> list[dict[str, Any]]:
    if has_magic(path) and not files.exists(path):
        return [
            info
            for info in files.glob(path, detail=True).values()
            if info["type"] == "file" and not _is_hidden(info["name"].rpartition("/")[2])
        ]
    info = files.info(path)
    if info["type"] == "file":
        return [info]
    return [
        info
        for info in files_below(files, path)
        if info["name"].endswith(".parquet") and not _is_hidden(info["name"].removeprefix(path))
    ]


def _details(file: fsspec.spec.AbstractBufferedFile, path: str) -> dict[str, Any]:
    """What the backend knows of the open ``file``; a local disk tells it by the descriptor."""
    return getattr(file, "details", None) or {"name": path, "descriptor": file.fileno()}


def _is_hidden(path: str) -> bool:
    return any(part.startswith(("_", ".")) for part in path.split("/"))


def _source(files: fsspec.AbstractFileSystem, info: dict[str, Any]) -> SourceFile:
    uri = files.unstrip_protocol(info["name"])
    if uri.startswith("file://"):
        status = os.stat(info.get("descriptor", info["name"]))
        return SourceFile(uri=uri, size=status.st_size, version=str(status.st_mtime_ns))
    size = int(info["size"])
    if uri.startswith("gs://"):
        checksum = info.get("crc32c", "")
        return SourceFile(uri=uri, size=size, version=str(info["generation"]), content=checksum)
    return SourceFile(uri=uri, size=size, version=info["ETag"].strip('"'))
