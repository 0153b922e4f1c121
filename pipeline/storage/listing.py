"""What is below a folder: every file that is there, or an error.

fsspec's own ``walk``, ``find`` on a local disk, ``glob``, ``exists`` and ``isfile`` take an error
for "nothing there". Here only what the backend reports as not found is.

Links are followed. A folder that is met twice, through a link, a circle of links or a bind mount,
is an error, as its files would be read twice.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pipeline.errors import InputError

Info = dict[str, Any]
"""What a backend knows of a file or a folder: ``name``, ``type``, ``size`` and its own keys.

``type`` is ``file`` or ``directory``; on a local disk also ``broken`` (a link that leads nowhere)
or ``other`` (neither file nor folder), and ``status`` is an ``os.stat_result``.
"""

_LEADS_NOWHERE = {errno.ENOENT, errno.ELOOP, errno.ENOTDIR}


def look_up(files: fsspec.AbstractFileSystem, path: str) -> Info | None:
    """What is at ``path``; None where nothing is."""
    try:
        return dict(files.info(path))
    except FileNotFoundError:
        return None


def files_below(files: fsspec.AbstractFileSystem, path: str) -> Iterator[Info]:
    """Each file below ``path``; nothing where there is no such folder."""
    if isinstance(files, LocalFileSystem):
        yield from walk(files, path, lambda _: True)
        return
    for info in files.find(path, detail=True).values():
        if info["type"] == "file" and not info["name"].endswith("/"):
            yield info


def walk(
    files: fsspec.AbstractFileSystem, path: str, enter: Callable[[str], bool]
) -> Iterator[Info]:
    """Each file below ``path``, and each folder whose name ``enter`` refuses; folder by folder."""
    children = _local_children if isinstance(files, LocalFileSystem) else _remote_children
    met: dict[object, str] = {}
    pending = [path]
    while pending:
        folder = pending.pop()
        for info in children(files, folder):
            if info["type"] != "directory" or not enter(info["name"]):
                yield info
                continue
            known = met.setdefault(info.get("identity", info["name"]), info["name"])
            if known != info["name"]:
                raise InputError(
                    f"{info['name']!a} and {known!a} are one folder, by a link or a mount: its "
                    "files would be read twice. Take one of the two away, or set input.uri to one "
                    "of them or to a glob that names only one."
                )
            pending.append(info["name"])


def _remote_children(files: fsspec.AbstractFileSystem, folder: str) -> Iterator[Info]:
    try:
        found = files.ls(folder, detail=True)
    except FileNotFoundError:
        return
    for info in found:
        if info["name"].rstrip("/") != folder and not info["name"].endswith("/"):
            yield info


def entries_of(folder: str) -> list["os.DirEntry[str]"]:
    """What is in the local ``folder``, sorted; empty where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:  # which may not name the folder
        raise OSError(error.errno, error.strerror or str(error), folder) from error


def _local_children(_: fsspec.AbstractFileSystem, folder: str) -> Iterator[Info]:
    return filter(None, map(_local_info, entries_of(folder)))


def _local_info(entry: "os.DirEntry[str]") -> Info | None:
    """None where the entry has gone since its folder was read."""
    try:
        status = entry.stat()
    except OSError as error:
        if entry.is_symlink() and error.errno in _LEADS_NOWHERE:
            return {"name": entry.path, "type": "broken", "size": 0}
        if isinstance(error, FileNotFoundError):
            return None
        raise
    kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file"}
    return {
        "name": entry.path,
        "type": kinds.get(stat.S_IFMT(status.st_mode), "other"),
        "size": status.st_size,
        "status": status,
        "identity": (status.st_dev, status.st_ino),
    }
