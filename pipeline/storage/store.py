"""The output folder.

Of all writers that create one path exactly one gets True, and what it wrote stays: by
``If-None-Match: *`` on S3, generation 0 on GCS, a hard link on a local disk.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import fsspec

from pipeline.errors import OutputError
from pipeline.storage import contained, local
from pipeline.storage.backend import canonical, explained, filesystem, is_taken
from pipeline.storage.listing import files_below, look_up

_ONE_REQUEST = 5 << 30
"""Bytes up to which S3 takes a body in one request: one condition, checked once."""

_SMALL_JSON, _MANIFEST_JSON = 1 << 24, 1 << 30
"""Bytes of JSON that are read at most: of a record or a report, and of a manifest of all units."""

_REQUESTS = 16
"""Small requests that are under way at once."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Store:
    """A folder to write to, named by its canonical URI; paths are relative to it.

    It holds no connection: pickle it, fork, use it from any thread. Every method raises OutputError
    where the backend fails.
    """

    uri: str

    @classmethod
    def open(cls, uri: str) -> "Store":
        """The folder at ``uri``, which need not be there yet; ConfigError for a bad URI."""
        return cls(canonical(uri))

    def create(self, path: str, body: bytes) -> bool:
        """Write ``body`` to ``path`` whole, unless something is there: then False."""
        with explained(OutputError, "create", self.uri_of(path)):
            if self._folder:
                return local.create(self._folder, path, body)
            files, name = filesystem(self.uri_of(path))
            try:
                files.pipe_file(name, body, mode="create", chunksize=_ONE_REQUEST)
            except OSError as error:
                if not is_taken(error):
                    raise
                return False
            return True

    def replace(self, path: str, body: bytes) -> None:
        """Write ``body`` to ``path`` whole, over what may be there. For reports, not results."""
        with explained(OutputError, "write", self.uri_of(path)):
            if self._folder:
                return local.replace(self._folder, path, body)
            files, name = filesystem(self.uri_of(path))
            files.pipe_file(name, body, chunksize=_ONE_REQUEST)

    def read(self, path: str) -> bytes | None:
        """The bytes at ``path``, None where there is nothing.

        Raises OutputError where that is larger than this package writes, or on a local disk no
        plain file of this folder.
        """
        with explained(OutputError, "read", self.uri_of(path)):
            try:
                return self._bytes(path)
            except FileNotFoundError:
                return None

    def read_all(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The bytes at each of ``paths``, fetched concurrently; OutputError if one is missing."""
        with explained(OutputError, "read", self.uri):
            paths = list(paths)
            return dict(zip(paths, _at_once(self._bytes, paths), strict=True))

    def exists(self, path: str) -> bool:
        """Whether a file is at ``path``; an error of the backend is none that says no."""
        with explained(OutputError, "look up", self.uri_of(path)):
            files, name = filesystem(self.uri_of(path))
            found = look_up(files, name)
            return found is not None and found["type"] == "file"

    def listing(self, folder: str = "") -> dict[str, int]:
        """Bytes of each file below ``folder``, by its path; empty where there is no such folder."""
        with explained(OutputError, "list", self.uri_of(folder)):
            if self._folder:
                return dict(sorted(contained.listing(self._folder, folder).items()))
            files, name = filesystem(self.uri_of(folder))
            root = filesystem(self.uri)[1].rstrip("/") + "/"
            found = {info["name"]: info["size"] for info in files_below(files, name)}
            return {path.removeprefix(root): found[path] for path in sorted(found)}

    def delete(self, paths: Iterable[str]) -> None:
        """Remove the files at ``paths``; one that is gone already is no error."""
        with explained(OutputError, "delete from", self.uri):
            names = self._names(paths)
            if self._folder:
                return local.delete(names)
            _at_once(partial(_remove, filesystem(self.uri)[0]), names)

    def uri_of(self, path: str) -> str:
        """The URI of ``path`` in this folder."""
        return f"{self.uri}/{path}" if path else self.uri

    def _bytes(self, path: str) -> bytes:
        most = _most_bytes(path)
        if self._folder:
            return contained.read(self._folder, path, most)
        files, name = filesystem(self.uri_of(path))
        try:
            body = bytes(files.cat_file(name, start=0, end=most + 1))
        except FileNotFoundError:
            raise
        except Exception:  # stores have no range of an empty file
            if files.info(name)["size"]:
                raise
            return b""
        contained.require_size(self.uri_of(path), len(body), most)
        return body

    def _names(self, paths: Iterable[str]) -> list[str]:
        return [filesystem(self.uri_of(path))[1] for path in paths]

    @property
    def _folder(self) -> str:
        """The folder's path on a local disk, empty where it is elsewhere."""
        return self.uri.removeprefix("file://") if self.uri.startswith("file://") else ""


def _most_bytes(path: str) -> int:
    if not path.endswith(".json"):
        return _ONE_REQUEST
    return _MANIFEST_JSON if path == "_manifest.json" else _SMALL_JSON


def _at_once(request: Callable[[str], _T], names: Iterable[str]) -> list[_T]:
    """``request`` of each name; not a filesystem's own bulk calls, which take ``[`` for a glob."""
    with ThreadPoolExecutor(_REQUESTS) as requests:
        return list(requests.map(request, names))


def _remove(files: fsspec.AbstractFileSystem, name: str) -> None:
    with suppress(FileNotFoundError):
        files.rm_file(name)
