"""Which files a URI names: itself, those of a folder or of a glob; the others are counted."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

import fsspec
from fsspec.core import has_magic
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import glob_translate

from pipeline.errors import InputError
from pipeline.storage.listing import Info, files_below, look_up, walk

_HIDDEN = "named _* or .*"
_LOST = "lost+found"
"""A disk's own folder, at its top, which root alone may list."""

Found = tuple[list[Info], Counter[str]]
"""The files to read, and how many files and folders are left out, by reason."""


def found_at(files: fsspec.AbstractFileSystem, path: str) -> Found:
    """What ``path`` names; FileNotFoundError where it is no glob and nothing is there."""
    info = look_up(files, path)
    if info is None and has_magic(path):
        return Pattern.of_glob(path).found(files)
    info = info or files.info(path)
    if info["type"] != "directory":
        return [readable(info)], Counter()
    return Pattern.of_folder(path).found(files)


@dataclass(frozen=True)
class Pattern:
    """A glob: the folder where its wildcards begin, and what is named below that, part by part.

    Where it ``is_folder``, every file below it was meant to be found.
    """

    root: str
    parts: tuple[str, ...]
    is_folder: bool = False

    @classmethod
    def of_folder(cls, path: str) -> "Pattern":
        """All Parquet files below ``path``."""
        return cls(path.rstrip("/"), ("**", "*.parquet"), is_folder=True)

    @classmethod
    def of_glob(cls, path: str) -> "Pattern":
        """The glob ``path``; raises InputError where it cannot be looked for."""
        parts = path.split("/")
        first = next(place for place, part in enumerate(parts) if has_magic(part))
        if first == 0 or any("**" in part and part != "**" for part in parts):
            raise InputError(
                f"{path} is no glob that can be looked for: a bucket's name can have no wildcard, "
                "and ** stands alone between two slashes. Set input.uri."
            )
        return cls("/".join(parts[:first]), tuple(parts[first:]))

    def names(self, path: str) -> bool:
        """Whether the glob names the file at ``path``, be it there or not."""
        parts = self._parts(path)
        is_below = path.startswith(f"{self.root}/")
        return is_below and not self._is_hidden(parts) and _matches(self.parts, parts)

    def found(self, files: fsspec.AbstractFileSystem) -> Found:
        """The files that it names, and what is left out."""
        found: list[Info] = []
        left_out = Counter[str]()
        folders: set[tuple[str, str]] = set()
        for info in self._below(files):
            path, parts = info["name"], self._parts(info["name"])
            is_folder = info["type"] == "directory"
            is_meant = self.is_folder or _matches(self.parts, parts)
            if hidden := self._hidden_folder(parts, info):
                if is_meant or (is_folder and self._may_hold(parts)):
                    is_lost = hidden.rpartition("/")[2] == _LOST
                    folders.add((hidden, f"folders {f'named {_LOST}' if is_lost else _HIDDEN}"))
            elif is_folder:
                folders |= {(path, "folders that the glob names")} if is_meant else set()
            elif self._is_hidden(parts):
                left_out[f"files {_HIDDEN}"] += is_meant
            elif self.names(path) or (self.is_folder and info["type"] == "broken"):
                found.append(readable(info))
            else:
                left_out["files not named *.parquet"] += is_meant
        left_out.update(reason for _, reason in folders)
        return found, +left_out

    def _below(self, files: fsspec.AbstractFileSystem) -> Iterator[Info]:
        """A store lists all that is below a folder in as few requests as the folder alone."""
        if "**" in self.parts and not isinstance(files, LocalFileSystem):
            return files_below(files, self.root)
        return walk(files, self.root or "/", lambda name: self._enters(self._parts(name)))

    def _enters(self, folder: Sequence[str]) -> bool:
        return self._may_hold(folder) and not self._is_hidden(folder)

    def _may_hold(self, folder: Sequence[str]) -> bool:
        """Whether what the glob names may be below ``folder``."""
        above = self.parts[: len(folder)]
        return "**" in above or (len(folder) < len(self.parts) and _matches(above, folder))

    def _parts(self, path: str) -> list[str]:
        return path.removeprefix(f"{self.root}/").split("/")

    def _is_hidden(self, parts: Sequence[str]) -> bool:
        """Whether a name is left out: it begins with ``_`` or ``.`` as no part of the glob."""
        return any(
            (part.startswith(("_", ".")) or part == _LOST)
            and not any(own[:1] == part[0] and fnmatchcase(part, own) for own in self.parts)
            for part in parts
        )

    def _hidden_folder(self, parts: Sequence[str], info: Info) -> str | None:
        """The first hidden folder in ``parts``, which are of ``info``; None where none is."""
        last = len(parts) if info["type"] == "directory" else len(parts) - 1
        above = (parts[:end] for end in range(1, last + 1))
        return next(("/".join(folder) for folder in above if self._is_hidden(folder)), None)


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    return _compiled("/".join(pattern)).match("/".join(parts)) is not None


@lru_cache
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(glob_translate(glob))


def readable(info: Info) -> Info:
    """``info``, which is of a file; InputError where it is of something else."""
    if info["type"] == "file":
        return info
    what = {"broken": "a link that leads nowhere", "directory": "a folder"}.get(
        info["type"], "neither file nor folder"
    )
    raise InputError(f"{info['name']!a} is {what}. Mend it or take it out of the corpus.")
