"""Whole files on a local disk that survive a power cut.

Bytes are written and synced under ``_tmp/``, then linked (create) or renamed (replace) into place,
so that no reader sees half a file. A killed process leaves files in ``_tmp/``, which readers skip.
"""

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = "_tmp"


def create(folder: str, path: str, body: bytes) -> bool:
    """Write ``body`` to ``path`` in ``folder`` unless a file is there: then False."""
    target = Path(folder, path)
    with _written(folder, body) as temporary:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(temporary, target)
        except FileExistsError:
            return False
    _sync(target.parent, target.parent.parent)
    return True


def replace(folder: str, path: str, body: bytes) -> None:
    """Write ``body`` to ``path`` in ``folder``, over what may be there."""
    target = Path(folder, path)
    with _written(folder, body) as temporary:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, target)
    _sync(target.parent)


def delete(paths: Iterable[str]) -> None:
    """Remove the files at ``paths``; those that are gone are no error."""
    folders = set()
    for path in map(Path, paths):
        with suppress(FileNotFoundError):
            path.unlink()
            folders.add(path.parent)
    _sync(*folders)


def version_of(status: os.stat_result) -> str:
    """What tells a file from one that was put in its place, even with its size and time.

    Nobody can set the time of the last change of a file's name, owner or bytes (``ctime``).
    """
    return f"{status.st_mtime_ns}.{status.st_ctime_ns}"


def is_same_version(seen: str, planned: str) -> bool:
    """Whether two versions of a file may be of the same bytes: those of one time of modification.

    The time of the last change is another on each machine that has a copy, and after a change of
    mode or a backup by hard links.
    """
    return seen.partition(".")[0] == planned.partition(".")[0]


@contextmanager
def _written(folder: str, body: bytes) -> Iterator[Path]:
    temporary = Path(folder, TEMPORARY, uuid.uuid4().hex)
    temporary.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync(*folders: Path) -> None:
    """Make the names in ``folders`` durable, as fsync of a file does its bytes."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
