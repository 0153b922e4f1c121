"""The end of an input file, where the Parquet footer is, in one request.

Opening the file takes two requests on S3. Any failure gives None here and is reported by
``open_input`` later. The bytes are those of the planned version.
"""

import os
from collections.abc import Callable

import fsspec
from fsspec.asyn import sync

from pipeline.contract.unit import SourceFile
from pipeline.errors import InputError
from pipeline.storage.backend import explained, filesystem
from pipeline.storage.local import version_of

TAIL_BYTES = 1 << 16
"""As much as pyarrow reads of a file first: most footers are smaller."""


def read_tail(source: SourceFile) -> bytes | None:
    """The last bytes of ``source``; None where one request does not get them."""
    read = _READERS.get(source.uri.partition("://")[0])
    if read is None or source.size == 0:
        return None
    try:
        with explained(InputError, "read", source.uri):
            return read(source, max(0, source.size - TAIL_BYTES))
    except InputError:
        return None


def _local(source: SourceFile, start: int) -> bytes | None:
    descriptor = os.open(source.uri.removeprefix("file://"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if (status.st_size, version_of(status)) != (source.size, source.version):
            return None
        return os.pread(descriptor, source.size - start, start)
    finally:
        os.close(descriptor)


def _s3(source: SourceFile, start: int) -> bytes:
    """S3 is told the ETag: where that has changed, it refuses."""
    files, path = filesystem(source.uri)
    return bytes(sync(files.loop, _s3_range, files, path, source, start))


async def _s3_range(
    files: fsspec.AbstractFileSystem, path: str, source: SourceFile, start: int
) -> bytes:
    bucket, key, _ = files.split_path(path)
    answer = await files._call_s3(
        "get_object",
        Bucket=bucket,
        Key=key,
        Range=f"bytes={start}-{source.size - 1}",
        IfMatch=f'"{source.version}"',
    )
    async with answer["Body"] as body:
        return bytes(await body.read())


_READERS: dict[str, Callable[[SourceFile, int], bytes | None]] = {"file": _local, "s3": _s3}
