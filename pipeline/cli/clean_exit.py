"""How a command ends: an exit code, and one sentence instead of a traceback.

^C says how to resume; a second one ends the process at once.
"""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from pipeline.errors import (
    EXTRAS,
    ClusterError,
    ExitCode,
    IncompleteError,
    LossError,
    PipelineError,
    StoppedError,
    missing_extra,
    printable,
)
from pipeline.execution.ray_failures import explained
from pipeline.reporting.logs import is_json

logger = logging.getLogger(__name__)


_CODES: dict[type[PipelineError], ExitCode] = {
    IncompleteError: ExitCode.INCOMPLETE,
    LossError: ExitCode.LOSS,
    ClusterError: ExitCode.TEMPORARY,
    StoppedError: ExitCode.STOPPED,
}
"""Of all other errors: the config, the input, the model or the output cannot be used."""


@contextmanager
def clean_exit(name: str = "") -> Iterator[None]:
    """What the block raises becomes a message, with ``name`` before it, and an exit code."""
    before = f"{name}: " if name else ""
    try:
        yield
    except PipelineError as error:
        raise _exit(before, error) from None
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise _exit(before, missing_extra(package, EXTRAS[package])) from None
    except Exception as error:
        if not type(error).__module__.startswith("ray."):
            raise
        raise _exit(before, explained(error, "run the job")) from None
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))
        _tell(f"{before}Interrupted. Run the same command again to go on.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _exit(before: str, error: PipelineError) -> typer.Exit:
    """Outcomes of a run are told where it tells the rest, all else is an error."""
    if isinstance(error, IncompleteError):
        typer.echo(printable(f"{before}Not complete. {error}"))
    elif isinstance(error, StoppedError):
        typer.echo(printable(f"{before}{error}"))
    else:
        _tell(f"{before}{error}")
    return typer.Exit(_CODES.get(type(error), ExitCode.UNUSABLE))


def _tell(message: str) -> None:
    """As a line on standard error, or a record where the log there is one of JSON."""
    if is_json():
        logger.error("%s", message)
    else:
        typer.echo(printable(message), err=True)
