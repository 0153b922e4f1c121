"""A command and a side of our own in turns of seconds.

Enters: a command, and what is to run while the command is stopped. Leaves: the seconds that the
command had, and what each of its processes had of the CPUs. What holds: all its processes stand
still while the other side runs, so that the two never share the machine and both see it through the
same minutes; a machine whose speed drifts slows both alike.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath

import psutil


@dataclass(frozen=True)
class Had:
    """``seconds`` without those that the command stood still, of which ``looked`` at the last look.

    ``cpu_seconds`` are those until that look, by what a process is.
    """

    seconds: float
    looked: float
    cpu_seconds: Mapping[str, float]


def in_turns(command: Sequence[str], meanwhile: Callable[[], object], seconds: float) -> Had:
    """Run ``command``, and ``meanwhile`` once whenever it has run for ``seconds``.

    Raises CalledProcessError where the command fails.
    """
    started = time.perf_counter()
    stood_still = looked = 0.0
    ledger = _Ledger()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not _ended(process, seconds):
            begun = time.perf_counter()
            looked = begun - started - stood_still
            with _stopped(psutil.Process(process.pid)) as family:
                ledger.look_at(family)
                meanwhile()
            stood_still += time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Had(time.perf_counter() - started - stood_still, looked, ledger.by_kind())


class _Ledger:
    """What each process has had, as it was when it was last seen."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[str, float]] = {}

    def look_at(self, family: Sequence[psutil.Process]) -> None:
        for process in family:
            try:
                kind, times = _kind(process.cmdline()), process.cpu_times()
            except psutil.Error:
                continue
            known, _ = self._processes.get(process.pid, (kind, 0.0))
            # Of a worker's names in the order of the alphabet, the idle one's is the first.
            self._processes[process.pid] = (max(kind, known), times.user + times.system)

    def by_kind(self) -> dict[str, float]:
        """The most first."""
        sums: Counter[str] = Counter()
        for kind, seconds in self._processes.values():
            sums[kind] += seconds
        return {kind: round(seconds, 2) for kind, seconds in sums.most_common()}


def _kind(arguments: Sequence[str]) -> str:
    """The script of a Python, what Ray calls a worker, the program of any other process."""
    scripts = [argument for argument in arguments[1:] if argument.endswith(".py")]
    name = PurePath(scripts[0] if scripts else arguments[0] if arguments else "?").name
    return name.partition("(")[0].partition(" ")[0]


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _stopped(parent: psutil.Process) -> Iterator[list[psutil.Process]]:
    """``parent`` and all that come from it, those that are started meanwhile too."""
    family: list[psutil.Process] = []
    try:
        while new := [one for one in _family(parent) if one not in family]:
            for one in new:
                _tell(one.suspend)
            family += new
        yield family
    finally:
        for one in reversed(family):
            _tell(one.resume)


def _family(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _tell(signal: Callable[[], None]) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        return
