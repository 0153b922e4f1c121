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
from pipeline.stages.failure import failure_of

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
    except (typer.Exit, typer.Abort, typer.BadParameter, SystemExit, GeneratorExit):
        raise
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))
        _tell(f"{before}Interrupted. Run the same command again to go on.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BaseException as error:
        raise _exit_of_foreign(before, error) from None


def _exit_of_foreign(before: str, error: BaseException) -> typer.Exit:
    """The exit for an exception of a library, whose own message may hold a record's text.

    The traceback of an unexpected one is logged at level DEBUG.
    """
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in EXTRAS:
        return _exit(before, missing_extra(package, EXTRAS[package]))
    if type(error).__module__.startswith("ray."):
        return _exit(before, explained(error, "run the job"))
    logger.debug("Unexpected error", exc_info=error)
    _tell(
        f"{before}Unexpected error: {failure_of(error, 'command').message}. Nothing that a run has "
        "committed is lost. Run the same command again; if this comes again, report this line."
    )
    return typer.Exit(ExitCode.INCOMPLETE)


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
