"""A store in memory with S3's semantics, whose requests fail as they are told to.

A create is conditional and atomic, a read sees what was written, a listing too. Around that, what
can become of a request: its process dies before or after the store does it, the answer is lost, or
the answer is lost and the client has asked again, so that a create that won is told it came second.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeVar

from pipeline.errors import OutputError
from tests.helpers.outputs import CrashError, MemoryStore

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
class FaultyStore(MemoryStore):
    """A folder of which several processes may hold one of these each, over the same ``files``."""

    uri: str = "memory://out"
    fate_of: Fates = lambda *_: Fate.DONE

    def create(self, path: str, body: bytes) -> bool:
        once = partial(super().create, path, body)
        return self._request("create", path, once, again=lambda: False)

    def replace(self, path: str, body: bytes) -> None:
        self._request("replace", path, partial(super().replace, path, body))

    def read(self, path: str) -> bytes | None:
        return self._request("read", path, partial(super().read, path))

    def read_all(self, paths: Collection[str]) -> dict[str, bytes]:
        bodies = {path: self.read(path) for path in paths}
        return {path: body for path, body in bodies.items() if body is not None}

    def exists(self, path: str) -> bool:
        return self._request("exists", path, partial(super().exists, path))

    def listing(self, folder: str = "") -> dict[str, int]:
        return self._request("list", folder, partial(super().listing, folder))

    def delete(self, paths: Collection[str]) -> None:
        for path in list(paths):
            self._request("delete", path, partial(super().delete, [path]))

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
