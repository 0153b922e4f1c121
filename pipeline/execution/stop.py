"""SIGTERM and ^C: the job takes no more units, ends those that are at work, and can be run again.

Enters: the signal, and how many seconds are left from it on. Leaves: a ``Stopped`` that workers and
the driver ask before they take a unit, and an exit code. What holds: a unit at work is published
if it ends in time; where it does not, it is left without a commit record, as after a crash. A
second ^C ends the process at once.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

from pipeline.errors import ExitCode

logger = logging.getLogger(__name__)

Stopped = Callable[[], bool]
"""Whether the job has been told to stop; goes to workers with what they run."""


def never() -> bool:
    """No: for runs that nobody stops."""
    return False


class StopSign:
    """A ``Stopped`` that all processes of a job see."""

    def __init__(self) -> None:
        self._raised: Any = (
            ray.remote(_sign()).options(num_cpus=0, max_restarts=-1, max_task_retries=1).remote()
        )

    def __call__(self) -> bool:
        """Whether it is raised."""
        try:
            return bool(ray.get(self._raised.seen.remote()))
        except RayError:
            return False  # its node is gone: the job goes on, and the timeout ends it

    def raise_it(self) -> None:
        """From now on the answer is yes."""
        ray.get(self._raised.put_up.remote())


@contextmanager
def stopping_on_signals(timeout: float) -> Iterator[StopSign]:
    """A sign that SIGTERM and SIGINT raise; in the main thread, and with a connection to Ray.

    Where units are still at work ``timeout`` seconds later, the process ends with
    ``ExitCode.STOPPED``: what they have published stands, as after a crash. A second SIGINT ends it
    at once, with ``ExitCode.INTERRUPTED``.
    """
    sign, told, ended = StopSign(), threading.Event(), threading.Event()

    def watch() -> None:
        told.wait()
        if ended.is_set():
            return
        logger.warning(
            "Stopping: no more units are begun; those at work have %g seconds "
            "(runtime.shutdown_timeout). Another ^C ends the job at once. Run the same command "
            "again to go on.",
            timeout,
        )
        sign.raise_it()
        if not ended.wait(timeout):
            _end(
                f"Units were still at work {timeout:g} seconds after the signal "
                "(runtime.shutdown_timeout). Run the same command again to go on.",
                ExitCode.STOPPED,
            )

    def interrupt(*_: object) -> None:
        if told.is_set():
            _end("Ended at once. Run the same command again to go on.", ExitCode.INTERRUPTED)
        told.set()

    threading.Thread(target=watch, daemon=True).start()
    handlers: dict[int, Any] = {signal.SIGTERM: lambda *_: told.set()}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a job of a shell's background
        handlers[signal.SIGINT] = interrupt
    before = {number: signal.signal(number, handlers[number]) for number in handlers}
    try:
        yield sign
    finally:
        for number, handler in before.items():  # first: ours take the lock of told.set
            signal.signal(number, handler)
        ended.set()
        told.set()


def _end(message: str, code: ExitCode) -> None:
    """End the process; an exception could be held up in whatever the main thread waits for."""
    show_cursor = "\x1b[?25h" if os.isatty(1) else ""  # a bar that is on the screen hides it
    os.write(1, f"{show_cursor}{message}\n".encode())
    os._exit(code)


def _sign() -> type:
    """The actor's class, of this function: Ray sends it by value, to whichever machine it is on."""

    class Sign:
        def __init__(self) -> None:
            self._up = False

        def put_up(self) -> None:
            self._up = True

        def seen(self) -> bool:
            return self._up

    return Sign
