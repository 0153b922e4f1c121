"""Whether two places share files: then a run would read its own results, or delete its input.

Local folders are compared by what they are and not by what they are called, so that links, ``..``,
bind mounts and file systems without case make no difference.
"""

import os
from collections.abc import Iterable, Iterator
from posixpath import dirname

from fsspec.core import has_magic

from pipeline.errors import ConfigError, InputError
from pipeline.storage.backend import canonical, explained
from pipeline.storage.inputs import InputListing
from pipeline.storage.pattern import Pattern

_OWN = ("data", "quarantine", "_commit", "_retry", "_tmp")
"""Folders that a run makes in its output; each may be a link to another place."""

_PARTS = [f"{folder}/part-{'0' * 32}.parquet" for folder in ("data", "quarantine")]

_Identity = str | tuple[int, int]


def require_apart(source: str, listing: InputListing, target: str) -> None:
    """Raise ConfigError where files of the input ``source`` are in ``target``, or could come to be.

    ``listing`` is of ``source``; ``target`` need not be there.
    """
    source, target = canonical(source), canonical(target)
    with explained(InputError, "compare with the output", source):
        folders = [target, *(f"{target}/{name}" for name in _OWN)]
        shared = [uri for place, uri in _places(listing).items() if is_inside(place, folders)]
        if shared or is_inside(_root(source, listing), folders):
            raise ConfigError(
                f"input.uri {source} is in the folder output.uri {target}"
                f"{f', with {shared[0]}' if shared else ''}: the run would read its own results, "
                "and --new-run would delete its input. Set output.uri to a folder beside the "
                "corpus."
            )
        if _reads(source, listing, target):
            raise ConfigError(
                f"output.uri {target} is in what input.uri {source} reads: the next run would read "
                "this run's parts. Set output.uri to a folder beside the corpus."
            )


def require_outside(setting: str, uri: str, outputs: Iterable[str]) -> None:
    """Raise ConfigError where ``uri``, which ``setting`` names, is one of ``outputs`` or in one."""
    found = [output for output in outputs if is_inside(canonical(uri), [canonical(output)])]
    if found:
        raise ConfigError(
            f"{setting} {uri} is in the output {found[0]}: readers of that would take its files "
            f"for results. Set {setting} to a place beside it."
        )


def is_inside(uri: str, folders: Iterable[str]) -> bool:
    """Whether ``uri`` is one of ``folders`` or below one; all canonical, and none need be there."""
    above = {identity for identity, _ in _ancestors(uri)}
    return any(_identity(folder) in above for folder in folders)


def _places(listing: InputListing) -> dict[str, str]:
    """Folders that files are in, and those that links among them lead to, each with a file."""
    uris = [file.uri for file in listing.files]
    return {dirname(place): uri for uri in uris for place in (uri, _target(uri))}


def _target(uri: str) -> str:
    """Where the links at ``uri`` lead; ``uri`` where there is none, or it is not on this disk."""
    scheme, _, path = uri.partition("://")
    while scheme == "file" and os.path.islink(path):
        path = os.path.join(dirname(path), os.readlink(path))
    return f"{scheme}://{path}"


def _is_glob(source: str, listing: InputListing) -> bool:
    """Whether ``source`` is one, and no file or folder with such a name."""
    return has_magic(source) and not all(file.uri.startswith(source) for file in listing.files)


def _root(source: str, listing: InputListing) -> str:
    return Pattern.of_glob(source).root if _is_glob(source, listing) else source


def _reads(source: str, listing: InputListing, target: str) -> bool:
    """Whether ``source`` would name the parts that a run writes to ``target``."""
    if not _is_glob(source, listing):
        return is_inside(target, [source])
    pattern = Pattern.of_glob(source)
    root = _identity(pattern.root)
    return any(
        pattern.names("/".join(filter(None, (pattern.root, below, part))))
        for identity, below in _ancestors(target)
        for part in _PARTS
        if identity == root
    )


def _ancestors(uri: str) -> Iterator[tuple[_Identity, str]]:
    """``uri`` and each folder above it, and the path from there; also of its real path."""
    scheme, _, path = uri.partition("://")
    for spelling in {path, os.path.realpath(path)} if scheme == "file" else {path}:
        parts = spelling.split("/")
        for end in range(len(parts), 0, -1):
            above = f"{scheme}://{'/'.join(parts[:end])}"
            yield _identity(above), "/".join(parts[end:])


def _identity(uri: str) -> _Identity:
    """What is at ``uri`` on this disk; its name where it is elsewhere, or nothing is there."""
    if not uri.startswith("file://"):
        return uri
    path = uri.removeprefix("file://") or "/"
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
