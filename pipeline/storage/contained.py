"""Files of an output folder on a local disk, read within bounds and never outside of the folder.

What stands in an output may be forged: a path with ``..``, a symbolic link, a pipe, a device, or
JSON of gigabytes. ``listing`` gives all that is no plain file the size ``NO_FILE``, so that it is
noticed and equals no committed size; ``read`` refuses it.
"""

import os
import stat
from collections.abc import Iterator

from pipeline.errors import OutputError
from pipeline.storage.listing import entries_of

NO_FILE = -1
"""The size of a link, a pipe, a device or a socket in a listing."""


def read(folder: str, path: str, most: int) -> bytes:
    """The bytes of the plain file at ``path`` in ``folder``, ``most`` at most.

    Raises FileNotFoundError where nothing is there, and OutputError where it is larger, no plain
    file, or outside of ``folder``.
    """
    target = _inside(folder, path)
    # A pipe that nobody writes to would block the process.
    descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", closefd=True) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"{folder}/{path} is no plain file; expected one. Take it away.")
        require_size(f"{folder}/{path}", status.st_size, most)
        return file.read(most)


def listing(folder: str, below: str = "") -> dict[str, int]:
    """The size of each file below ``below`` in ``folder``, by its path in ``folder``."""
    top = os.path.realpath(_inside(folder, below))
    root = os.path.realpath(folder).rstrip("/") + "/"
    return {path.removeprefix(root): size for path, size in _sizes(top)}


def require_size(name: str, size: int, most: int) -> None:
    """Raise OutputError where a file of ``size`` bytes is too large to be what it should be."""
    if size > most:
        raise OutputError(
            f"{name} has {size} bytes; expected {most} at most. This package did not write it: "
            "take it away."
        )


def _inside(folder: str, path: str) -> str:
    """Where ``path`` leads, links followed; OutputError where that is outside of ``folder``."""
    if _is_without_links(folder, path):
        return os.path.join(folder, path)
    root = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(root, path))
    if target != root and not target.startswith(f"{root.rstrip('/')}/"):
        raise OutputError(
            f"{path} leads out of the output {folder}, to {target}. Nothing outside of an output "
            "is read as a part of it: take the link away."
        )
    return target


def _is_without_links(folder: str, path: str) -> bool:
    """Whether ``path`` is below ``folder`` as it is spelled: ``realpath`` takes far longer."""
    above = folder
    for part in path.split("/"):
        above = f"{above}/{part}"
        if part in ("", ".", "..") or os.path.islink(above):
            return False
    return True


def _sizes(folder: str) -> Iterator[tuple[str, int]]:
    """What is below ``folder``, without files that are deleted meanwhile."""
    for entry in entries_of(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes(entry.path)
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield entry.path, status.st_size if stat.S_ISREG(status.st_mode) else NO_FILE
