"""What a command logs: lines for people, or JSON with the ids of run and unit for a log store.

Enters: the format, and commit records as units end. Leaves: records on standard error. Holds: no
text of records; a JSON line has `time`, `level`, `logger`, `message`, and, once they are known,
`run` (the fingerprint's first twelve digits) and `unit`.
"""

import logging
from enum import StrEnum

from pythonjsonlogger.json import JsonFormatter

from pipeline.commit import CommitRecord

logger = logging.getLogger(__name__)

_NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}


class LogFormat(StrEnum):
    """`text` tells of warnings alone; `json` of each unit too."""

    TEXT = "text"
    JSON = "json"


def start_logs(log_format: LogFormat, run: str | None = None) -> None:
    """Log in `log_format` from here on, as of the run with the fingerprint `run`."""
    handler = logging.StreamHandler()
    if log_format is LogFormat.TEXT:
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    else:
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields=_NAMES,
                static_fields={"run": run[:12]} if run else {},
            )
        )
        logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


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
