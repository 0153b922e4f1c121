"""The corpus: Parquet files at a URI, and a count of what is there and is not taken for them.

A file's version is its ETag on S3, its generation on GCS and its times of modification and change
on a local disk. Only the planned version is opened; on a local disk the time of change is left to
whoever compares two plans.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec

from pipeline.contract.unit import SourceFile
from pipeline.errors import InputError
from pipeline.storage.backend import SCHEMES, canonical, explained, filesystem, is_utf8
from pipeline.storage.listing import Info
from pipeline.storage.local import is_same_version, version_of
from pipeline.storage.pattern import found_at, readable

_READ_AHEAD = 1 << 20
"""Bytes read beyond what was asked for: a column chunk's pages come in many small reads."""


@dataclass(frozen=True)
class InputListing:
    """The files at a URI, sorted, and how many files and folders there were left out, by reason."""

    files: tuple[SourceFile, ...]
    left_out: Mapping[str, int]


def list_input(uri: str) -> InputListing:
    """What is at ``uri``: the file itself, all ``*.parquet`` below a folder, or what a glob names.

    Names that begin with ``_`` or ``.`` are left out, as Spark, DuckDB and pyarrow skip them. Links
    are followed. Raises InputError where nothing is found, a folder cannot be listed, a link leads
    nowhere, a file would be read twice, or a name is not UTF-8.
    """
    uri = canonical(uri)
    with explained(InputError, "list", uri):
        files, path = filesystem(uri)
        found, left_out = found_at(files, path)
        sources = [_source(files, info) for info in _each_once(found)]
    if not sources:
        raise InputError(
            f"No Parquet file at {uri}. Expected a file, a glob, or a folder with *.parquet below "
            "it whose names do not begin with '_' or '.'"
            f"{f'; left out: {summary(left_out)}' if left_out else ''}. Set input.uri."
        )
    return InputListing(tuple(sorted(sources, key=lambda source: source.uri)), left_out)


def input_files(uri: str) -> list[SourceFile]:
    """The files of ``list_input``."""
    return list(list_input(uri).files)


def input_file(uri: str) -> SourceFile:
    """The file at ``uri``, as a listing named it; InputError where it is none, or cannot be had.

    What looks like a glob is none here, and a folder is not listed.
    """
    if uri.partition("://")[0] not in SCHEMES.values():
        raise InputError(f"{uri!a} is no name that an input file can have.")
    with explained(InputError, "read", uri):
        files, path = filesystem(uri)
        return _source(files, readable(files.info(path)))


def summary(left_out: Mapping[str, int]) -> str:
    """``3 files named _* or .*, 1 folder that the glob names``; empty where nothing is left out."""
    return ", ".join(
        f"{count} {what if count > 1 else what.replace('s ', ' ', 1)}"
        for what, count in sorted(left_out.items())
    )


@contextmanager
def open_input(source: SourceFile) -> Iterator[BinaryIO]:
    """``source`` open for reading and seeking; InputError if it is not the file that was planned.

    An OSError that reading it raises inside the ``with`` leaves as InputError too.
    """
    with explained(InputError, "read", source.uri):
        files, path = filesystem(source.uri)
        with files.open(path, "rb", block_size=_READ_AHEAD, cache_type="readahead") as file:
            seen = _source(files, _details(file, path))
            if seen.size != source.size or not _is_same_version(seen, source):
                raise InputError(
                    f"{source.uri} has changed since the job was planned: it is version "
                    f"{seen.version} ({seen.size} bytes), expected {source.version} "
                    f"({source.size} bytes). Leave input files alone while a job runs; start the "
                    "job again to plan with the new file."
                )
            yield file


def _is_same_version(seen: SourceFile, planned: SourceFile) -> bool:
    if planned.uri.startswith("file://"):
        return is_same_version(seen.version, planned.version)
    return seen.version == planned.version


def _each_once(found: list[Info]) -> Iterator[Info]:
    """``found``; InputError where two are one file on a local disk, by way of a link."""
    first: dict[object, str] = {}
    for info in found:
        other = first.setdefault(info.get("identity", info["name"]), info["name"])
        if other != info["name"] and os.path.realpath(other) == os.path.realpath(info["name"]):
            raise InputError(
                f"{info['name']!a} and {other!a} are one file, by a link: its records "
                "would be read twice. Take the link out of the corpus, or set input.uri to a "
                "folder or a glob that names only one of the two."
            )
        yield info


def _details(file: fsspec.spec.AbstractBufferedFile, path: str) -> dict[str, Any]:
    """What the backend knows of the open ``file``; a local disk tells it by the descriptor."""
    return getattr(file, "details", None) or {"name": path, "descriptor": file.fileno()}


def _source(files: fsspec.AbstractFileSystem, info: Info) -> SourceFile:
    uri = files.unstrip_protocol(info["name"])
    if not is_utf8(uri):
        raise InputError(f"The name {uri!a} is not UTF-8. Rename the file or its folder.")
    if uri.startswith("file://"):
        status = info.get("status") or os.stat(info.get("descriptor") or info["name"])
        return SourceFile(uri=uri, size=status.st_size, version=version_of(status))
    size = int(info["size"])
    if uri.startswith("gs://"):
        checksum = info.get("crc32c", "")
        return SourceFile(uri=uri, size=size, version=str(info["generation"]), content=checksum)
    return SourceFile(uri=uri, size=size, version=info["ETag"].strip('"'))
