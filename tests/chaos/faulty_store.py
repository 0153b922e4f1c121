"""A store in memory with S3's semantics, whose requests fail as they are told to.

A create is conditional and atomic, a read sees what was written, a listing too. Around that, what
can become of a request: its process dies before or after the store does it, the answer is lost, or
the answer is lost and the client has asked again, so that a create that won is told it came second.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from outputs import CrashError

from pipeline.errors import OutputError
from pipeline.storage import Store

_T = TypeVar("_T")


class Fate(StrEnum):
    """What becomes of a request."""

    DONE = "done"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    LOST = "answer lost"
    ASKED_AGAIN = "answer lost, asked again"


FAULTS = tuple(fate for fate in Fate if fate is not Fate.DONE)

Fates = Callable[[str, str], Fate]
"""Of a request, by its name and path."""


@dataclass(frozen=True)
class FaultyStore(Store):
    """A folder of which several processes may hold one of these each, over the same ``files``."""

    uri: str = "memory://out"
    files: dict[str, bytes] = field(default_factory=dict)
    fate_of: Fates = lambda *_: Fate.DONE

    def create(self, path: str, body: bytes) -> bool:
        def once() -> bool:
            return self.files.setdefault(path, body) is body

        return self._request("create", path, once, again=lambda: False)

    def replace(self, path: str, body: bytes) -> None:
        self._request("replace", path, lambda: self.files.update({path: body}))

    def read(self, path: str) -> bytes | None:
        return self._request("read", path, lambda: self.files.get(path))

    def read_all(self, paths: Collection[str]) -> dict[str, bytes]:
        bodies = {path: self.read(path) for path in paths}
        return {path: body for path, body in bodies.items() if body is not None}

    def exists(self, path: str) -> bool:
        return self._request("exists", path, lambda: path in self.files)

    def listing(self, folder: str = "") -> dict[str, int]:
        def listed() -> dict[str, int]:
            prefix = f"{folder}/" if folder else ""
            return {path: len(self.files[path]) for path in self.files if path.startswith(prefix)}

        return self._request("list", folder, listed)

    def delete(self, paths: Collection[str]) -> None:
        for path in list(paths):
            self._request("delete", path, lambda path=path: self.files.pop(path, None))

    def _request(
        self, name: str, path: str, act: Callable[[], _T], again: Callable[[], _T] | None = None
    ) -> _T:
        fate = self.fate_of(name, path)
        if fate is Fate.CRASH_BEFORE:
            raise CrashError
        answer = act()
        if fate is Fate.CRASH_AFTER:
            raise CrashError
        if fate is Fate.LOST:
            raise OutputError(f"Cannot {name} {path}: connection reset by the test.")
        return again() if again and fate is Fate.ASKED_AGAIN else answer
