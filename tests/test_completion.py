"""What bash completes of the jobs, asked of a real bash."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.completion import setting_keys
from pipeline.config_schemas import SETTINGS
from pipeline.settings import JobSettings

ROOT = Path(__file__).parents[1]
ASK = """
source {script}
compopt() {{ :; }}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_xmod_jobs
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    made = subprocess.run(
        [sys.executable, "jobs/completion.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    path: Path = tmp_path_factory.mktemp("completion") / "jobs.bash"
    path.write_text(made.stdout)
    return path


def completed(script: Path, *words: str) -> list[str]:
    """What the last of ``words`` may become."""
    asked = ASK.format(script=shlex.quote(str(script)), words=shlex.join(words))
    said = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert said.stderr == ""
    return said.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["python", "jobs/annotate.py", "--dr"], ["--dry-run"]),
        ([".venv/bin/python", "/work/jobs/annotate.py", "--n"], ["--new-run"]),
        (["python", "jobs/annotate.py", "--log", ""], ["text", "json"]),
        (["python", "jobs/report.py", "out", "--no"], ["--no-text"]),
        (["python", "jobs/tables.py", "--set", "layout.m"], ["layout.min_rows="]),
        (
            ["python", "jobs/annotate.py", "--set", "runtime.actors.m"],
            ["runtime.actors.min=", "runtime.actors.max="],
        ),
    ],
)
def test_word_is_completed(script, words, expected):
    assert completed(script, *words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["python", "jobs/annotate.py", "--config", "configs/"],
        ["python", "jobs/annotate.py", "--limit", ""],
        ["python", "jobs/verify.py", ""],
        ["python", "jobs/annotate.py", "--dry-run", ""],
        ["python", "other/annotate.py", "--"],
        ["python", "-"],
    ],
)
def test_files_and_what_others_are_called_with_are_left_to_the_shell(script, words):
    assert completed(script, *words) == []


def test_option_after_a_flag_is_an_option(script):
    assert "--config" in completed(script, "python", "jobs/annotate.py", "--dry-run", "--")


@pytest.mark.parametrize("job", sorted(path.stem for path in (ROOT / "jobs").glob("*.py")))
def test_every_job_has_options(script, job):
    options = completed(script, "python", f"jobs/{job}.py", "--")
    assert "--help" in options
    assert ("--set" in options) == (job in SETTINGS)


def test_setting_keys_are_those_that_a_value_can_be_given_to():
    keys = set(setting_keys(JobSettings))
    assert {"input.uri", "runtime.actors.max", "tasks", "prices.cpu_hour"} <= keys
    assert not keys & {"input", "runtime", "runtime.actors"}
