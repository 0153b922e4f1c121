"""The command as a whole: help, errors without a traceback, completion."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import pipeline
from pipeline.cli.app import app

COMMANDS = ("annotate", "verify", "tables", "report", "import")
TRAINING = ("pretrain", "finetune", "evaluate", "add-language")


def test_app_lists_its_commands():
    said = CliRunner().invoke(app, ["--help"]).output
    assert all(command in said for command in (*COMMANDS, *TRAINING))


def test_app_says_its_version():
    assert CliRunner().invoke(app, ["--version"]).output.strip() == pipeline.__version__


@pytest.mark.parametrize("command", [*COMMANDS, *TRAINING])
def test_command_has_help(command: str):
    ended = CliRunner().invoke(app, [command, "--help"])
    assert ended.exit_code == 0
    assert "Exit codes" in ended.output or command == "report"


@pytest.mark.parametrize("command", ["annotate", "tables", *TRAINING])
def test_command_with_a_config_that_is_not_there_names_those_that_are(command: str):
    ended = CliRunner().invoke(app, [command, "--config", "nerr"])
    assert ended.exit_code == 2
    assert "no config of that name in the package, which has" in ended.output
    assert " ner," in ended.output


def test_help_imports_neither_ray_nor_torch():
    code = (
        "import sys; from pipeline.cli.app import app\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['annotate', '--help']).exit_code == 0\n"
        "print({'ray', 'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("annotate --dr", "--dry-run"),
        ("annotate --set runtime.actors.m", "runtime.actors.max="),
        ("tables --set layout.m", "layout.min_rows="),
        ("finetune --set optimisation.s", "optimisation.seed="),
        ("annotate --config ques", "question_answering"),
    ],
)
def test_word_is_completed(shell: str, typed: str, expected: str):
    line = f"xmod-pipeline {typed}"
    asked = {
        "_XMOD_PIPELINE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from pipeline.cli.app import app; app(prog_name='xmod-pipeline')"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
    )
    assert expected in done.stdout, done.stderr
