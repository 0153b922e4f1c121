"""SIGTERM: the job takes no more units, ends those that are at work, and can be run again.

Enters: the signal, and how many seconds are left from it on. Leaves: a ``Stopped`` that workers and
the driver ask before they take a unit, and an exit code. What holds: a unit at work is published
if it ends in time; where it does not, it is left without a commit record, as after a crash.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

STOPPED = 75
"""The exit code of a job that was told to stop: sysexits.h's EX_TEMPFAIL."""

Stopped = Callable[[], bool]
"""Whether the job has been told to stop; goes to workers with what they run."""


def never() -> bool:
    """No: for runs that nobody stops."""
    return False


class StopSign:
    """A ``Stopped`` that all processes of a job see."""

    def __init__(self) -> None:
        self._raised: Any = (
            ray.remote(_Sign).options(num_cpus=0, max_restarts=-1, max_task_retries=1).remote()
        )

    def __call__(self) -> bool:
        """Whether it is raised."""
        try:
            return bool(ray.get(self._raised.seen.remote()))
        except RayError:
            return False  # its node is gone: the job goes on, and the grace ends it

    def raise_it(self) -> None:
        """From now on the answer is yes."""
        ray.get(self._raised.put_up.remote())


@contextmanager
def stopping_on_sigterm(grace: float) -> Iterator[StopSign]:
    """A sign that SIGTERM raises; in the main thread, and with a connection to Ray.

    Where units are still at work ``grace`` seconds later, the process ends with ``STOPPED``: what
    they have published stands, as after a crash.
    """
    sign, told, ended = StopSign(), threading.Event(), threading.Event()

    def watch() -> None:
        told.wait()
        if ended.is_set():
            return
        sign.raise_it()
        if not ended.wait(grace):
            sys.stdout.write(
                f"Units were still at work {grace:g} seconds after SIGTERM (runtime.grace). Run "
                "the same command again to go on.\n"
            )
            sys.stdout.flush()
            os._exit(STOPPED)  # an exception could be held up in whatever the main thread waits for

    threading.Thread(target=watch, daemon=True).start()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        yield sign
    finally:
        signal.signal(signal.SIGTERM, before)  # first: its handler takes the lock of told.set
        ended.set()
        told.set()


class _Sign:
    """The actor."""

    def __init__(self) -> None:
        self._up = False

    def put_up(self) -> None:
        self._up = True

    def seen(self) -> bool:
        return self._up
