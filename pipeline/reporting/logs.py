"""What a command logs: lines for people, or JSON with the ids of run and unit for a log store.

Enters: the format, and commit records as units end. Leaves: records on standard error. Holds: no
text of records; with `json`, nothing but JSON, in lines that have `time`, `level`, `logger`,
`message`, and, once they are known, `run` (the fingerprint's first twelve digits) and `unit`.
"""

import atexit
import logging
import os
import threading
from enum import StrEnum
from typing import ClassVar

from pythonjsonlogger.json import JsonFormatter

from pipeline.output.commit import CommitRecord

logger = logging.getLogger(__name__)

_NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}


class LogFormat(StrEnum):
    """`text` tells of warnings alone; `json` of each unit too."""

    TEXT = "text"
    JSON = "json"


def start_logs(log_format: LogFormat, run: str | None = None) -> None:
    """Log in `log_format` from here on, as of the run with the fingerprint `run`.

    With `json`, whatever else the process writes to standard error (Ray's C++ core, warnings, a
    traceback) becomes records of the logger `stderr`, line by line.
    """
    if log_format is LogFormat.TEXT:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    else:
        handler = logging.StreamHandler(_StandardError.taken().kept)
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields=_NAMES,
                static_fields={"run": run[:12]} if run else {},
            )
        )
        logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def is_json() -> bool:
    """Whether standard error is to have nothing but JSON."""
    return _StandardError.is_taken()


class _StandardError:
    """File descriptor 2 as a pipe whose lines are logged; `kept` is what it was."""

    _END = "\0"
    _only: ClassVar["_StandardError | None"] = None

    def __init__(self) -> None:
        self.kept = os.fdopen(os.dup(2), "w", encoding="utf-8")
        self._pipe, into = os.pipe()
        os.dup2(into, 2)
        os.close(into)
        self._reader = threading.Thread(target=self._log_lines, daemon=True)
        self._reader.start()
        atexit.register(self._give_back)

    @classmethod
    def taken(cls) -> "_StandardError":
        """The one of this process."""
        cls._only = cls._only or cls()
        return cls._only

    @classmethod
    def is_taken(cls) -> bool:
        return cls._only is not None

    def _log_lines(self) -> None:
        with os.fdopen(self._pipe, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(self._END):
                    return
                if line.strip():
                    logging.getLogger("stderr").warning("%s", line.rstrip())

    def _give_back(self) -> None:
        """Once all lines are logged; processes that Ray left may still hold the pipe open."""
        os.write(2, f"\n{self._END}\n".encode())
        self._reader.join(timeout=5)
        os.dup2(self.kept.fileno(), 2)


def log_commit(record: CommitRecord) -> None:
    """Log that a unit is in the output."""
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
