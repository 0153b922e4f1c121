"""A cgroup that bounds what a command and all that it starts may have of the memory."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CONTROLLER = Path("/sys/fs/cgroup/memory")


@dataclass(frozen=True)
class MemoryCgroup:
    """A cgroup of version 1."""

    folder: Path

    def run(self, command: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        """``command`` in the cgroup, to its end."""
        enter = f'echo $$ > {self.folder}/cgroup.procs && exec "$@"'
        return subprocess.run(
            ["sh", "-c", enter, "sh", *command], capture_output=True, text=True, **options
        )

    @property
    def kills(self) -> int:
        """Processes that were killed for want of memory."""
        lines = (self.folder / "memory.oom_control").read_text().splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])


@contextmanager
def memory_cgroup(limit: int) -> Iterator[MemoryCgroup]:
    """A cgroup of ``limit`` bytes; skips the test where none can be made."""
    folder = CONTROLLER / f"xmod-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(limit))
    except OSError:
        pytest.skip("no memory cgroup can be made here")
    try:
        yield MemoryCgroup(folder)
    finally:
        for pid in (folder / "cgroup.procs").read_text().split():
            (CONTROLLER / "cgroup.procs").write_text(pid)
        folder.rmdir()
