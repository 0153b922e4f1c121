"""Log lines for people and for log stores."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOGS = """
import logging, sys
from pipeline.output.commit import CommitRecord
from pipeline.reporting.logs import LogFormat, log_commit, start_logs

start_logs(LogFormat(sys.argv[1]))
start_logs(LogFormat(sys.argv[1]), run="0123456789abcdef")
log_commit(CommitRecord.model_validate_json(sys.argv[2]))
logging.getLogger("pipeline.execution.run").warning("unit %s failed", "u2", extra={"unit": "u2"})
logging.getLogger("elsewhere").info("not told")
"""
RECORD = {
    "unit_id": "u1",
    "unit": {"source": {"uri": "a", "size": 1, "content": "c"}, "start": 0, "stop": 3},
    "fingerprint": "f",
    "schema_version": 1,
    "rows_in": 3,
    "rows_out": 2,
    "rows_quarantined": 1,
    "part": {"path": "data/a", "bytes": 1, "sha256": "0"},
    "quarantine": None,
    "counts": {"de": {"records": 2, "tokens": 9}, "fr": {"tokens": 1}},
    "stages": {"read": {"wall": 0.5, "cpu": 0.25}},
}


def logged(log_format: str, program: str = LOGS) -> list[str]:
    """The lines of a process that logs in ``log_format``: the root logger is a process's own."""
    command = [sys.executable, "-c", program, log_format, json.dumps(RECORD)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_logs_in_json_have_the_ids_of_run_and_unit():
    committed, failed = map(json.loads, logged("json"))
    assert committed.pop("time")
    assert committed == {
        "level": "INFO",
        "logger": "pipeline.reporting.logs",
        "message": "unit committed",
        "run": "0123456789ab",
        "unit": "u1",
        "rows_in": 3,
        "rows_quarantined": 1,
        "tokens": 10,
        "seconds": {"read": 0.5},
    }
    assert (failed["level"], failed["unit"], failed["run"]) == ("WARNING", "u2", "0123456789ab")
    assert failed["message"] == "unit u2 failed"


def test_logs_in_text_tell_of_warnings_alone():
    assert logged("text") == ["WARNING unit u2 failed"]


HOSTILE = """
import logging, sys
from pipeline.reporting.logs import LogFormat, start_logs

start_logs(LogFormat(sys.argv[1]))
try:
    raise ValueError("\\x1b[2J")
except ValueError:
    logging.getLogger("any").exception("%s is gone", "a\\x1b[31m\\u202e\\nERROR all is lost\\x9b")
"""


def test_logs_as_lines_escape_control_characters_and_a_record_begins_one_line():
    first, *traceback = logged("text", HOSTILE)
    assert first == r"ERROR a\x1b[31m\u202e\nERROR all is lost\x9b is gone"
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == r"ValueError: \x1b[2J"


def test_logs_in_json_are_ascii_and_give_the_name_back():
    (line,) = logged("json", HOSTILE)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == "a\x1b[31m\u202e\nERROR all is lost\x9b is gone"
