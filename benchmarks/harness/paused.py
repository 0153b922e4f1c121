"""A command and a side of our own in turns of seconds.

Enters: a command, and what is to run while the command is stopped. Leaves: the seconds that the
command had. What holds: all its processes stand still while the other side runs, so that the two
never share the machine and both see it through the same minutes; a machine whose speed drifts slows
both alike.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil


def in_turns(command: Sequence[str], meanwhile: Callable[[], object], seconds: float) -> float:
    """Run ``command``, and ``meanwhile`` once whenever it has run for ``seconds``.

    Leaves the command's seconds without those that it stood still. Raises CalledProcessError where
    the command fails.
    """
    started = time.perf_counter()
    stood_still = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not _ended(process, seconds):
            begun = time.perf_counter()
            with _stopped(psutil.Process(process.pid)):
                meanwhile()
            stood_still += time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - started - stood_still


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _stopped(parent: psutil.Process) -> Iterator[None]:
    """``parent`` and all that come from it, those that are started meanwhile too."""
    family: list[psutil.Process] = []
    try:
        while new := [one for one in _family(parent) if one not in family]:
            for one in new:
                _tell(one.suspend)
            family += new
        yield
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
