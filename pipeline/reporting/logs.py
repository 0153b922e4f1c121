"""What a command logs: lines for people, or JSON with the ids of run and unit for a log store.

Texts of records are never logged. With ``json``, standard error holds nothing but JSON records with
``time``, ``level``, ``logger``, ``message``, and where they are known ``run`` and ``unit``.
"""

import atexit
import logging
import os
import threading
from enum import StrEnum
from functools import cache
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

from pipeline.errors import on_one_line, printable
from pipeline.output.commit import CommitRecord

logger = logging.getLogger(__name__)

_END = "\0"  # a line that ends the capture of standard error


class LogFormat(StrEnum):
    """``text`` logs warnings only; ``json`` logs every committed unit too."""

    TEXT = "text"
    JSON = "json"


def start_logs(log_format: LogFormat, run: str | None = None) -> None:
    """Log in ``log_format``; ``run`` is the fingerprint of the run, shortened to 12 digits.

    With ``json``, whatever else the process writes to standard error (Ray's C++ core, warnings, a
    traceback) is logged line by line by the logger ``stderr``.
    """
    if log_format is LogFormat.TEXT:
        handler = line_handler("%(levelname)s %(message)s")
    else:
        handler = logging.StreamHandler(_captured_stderr())
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                static_fields={"run": run[:12]} if run else {},
            )
        )
        logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def line_handler(layout: str) -> logging.Handler:
    """Logs to standard error: a line of ``layout`` per record, its traceback below."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(layout))
    return handler


class LineFormatter(logging.Formatter):
    """Escapes control characters: a name can neither control the terminal nor fake a record."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The record's line, without its traceback."""
        return on_one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback if there is one."""
        return printable(super().format(record))


def is_json() -> bool:
    """Whether standard error holds nothing but JSON."""
    return _captured_stderr.cache_info().currsize > 0


def log_commit(record: CommitRecord) -> None:
    """Log that a unit was committed."""
    logger.info(
        "unit committed",
        extra={
            "unit": record.unit_id,
            "rows_in": record.rows_in,
            "rows_quarantined": record.rows_quarantined,
            "tokens": sum(counts.tokens for counts in record.counts.values()),
            "seconds": {stage: took.wall for stage, took in record.stages.items()},
        },
    )


@cache
def _captured_stderr() -> TextIO:
    """The real standard error, once file descriptor 2 is a pipe whose lines are logged."""
    real = os.fdopen(os.dup(2), "w", encoding="utf-8")
    source, sink = os.pipe()
    os.dup2(sink, 2)
    os.close(sink)
    reader = threading.Thread(target=_log_lines, args=[source], daemon=True)
    reader.start()
    atexit.register(_restore_stderr, real, reader)
    return real


def _log_lines(source: int) -> None:
    with os.fdopen(source, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith(_END):
                return
            if line.strip():
                logging.getLogger("stderr").warning("%s", line.rstrip())


def _restore_stderr(real: TextIO, reader: threading.Thread) -> None:
    """Restore file descriptor 2 once all lines are logged; Ray may leave the pipe open."""
    os.write(2, f"\n{_END}\n".encode())
    reader.join(timeout=5)
    os.dup2(real.fileno(), 2)
