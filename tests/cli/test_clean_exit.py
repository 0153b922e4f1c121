"""Whatever a library raises, at whatever point of a command: one sentence, and an exit code."""

import pickle
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.cli.clean_exit import clean_exit
from pipeline.errors import (
    ConfigError,
    IncompleteError,
    InputError,
    LossError,
    PipelineError,
    StoppedError,
)
from tests.helpers.corpora import make_corpus, write_local


class MuteError(Exception):
    """One that cannot say what it is, nor be sent to another process."""

    def __str__(self) -> str:
        raise RuntimeError("secret")

    def __reduce__(self) -> str:
        raise pickle.PicklingError("secret")


class Panic(BaseException):
    """As Rust's panics arrive, of tokenizers and others."""


FOREIGN = [
    ValueError("secret"),
    KeyError("secret"),
    pa.ArrowInvalid("secret"),
    MemoryError("secret"),
    RecursionError("secret"),
    UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"),
    OSError(5, "secret"),
    StopIteration("secret"),
    ModuleNotFoundError("secret", name="elsewhere"),
    AssertionError("secret"),
    MuteError("secret"),
    Panic("secret"),
]

foreign = pytest.mark.parametrize("error", FOREIGN, ids=lambda error: type(error).__name__)


@foreign
def test_foreign_exception_ends_a_command_with_one_sentence(
    error: BaseException, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(typer.Exit) as ended, clean_exit("tell"):
        raise error
    assert ended.value.exit_code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"tell: Unexpected error: {type(error).__module__}.")
    assert type(error).__name__ in said
    assert "test_clean_exit.py:" in said
    assert "secret" not in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("error", [typer.Exit(7), typer.Abort(), SystemExit(7)], ids=repr)
def test_what_ends_a_command_on_purpose_is_left_as_it_is(error: BaseException):
    with pytest.raises(type(error)), clean_exit():
        raise error


def test_job_that_would_lose_too_much_has_a_code_of_its_own():
    with pytest.raises(typer.Exit) as ended, clean_exit():
        raise LossError("too much")
    assert ended.value.exit_code == 4


@pytest.mark.parametrize("kind", [ConfigError, InputError, IncompleteError, StoppedError])
def test_message_with_control_characters_is_escaped(kind: type[PipelineError], capfd):
    with pytest.raises(typer.Exit), clean_exit("tables"):
        raise kind("corpus/\x1b]0;owned\x07\u202e.parquet is gone\n  and \x9b31m")
    shown = "".join(capfd.readouterr())
    assert shown.endswith("corpus/\\x1b]0;owned\\x07\\u202e.parquet is gone\n  and \\x9b31m\n")


def test_message_with_a_name_that_is_not_utf8_is_printed(capfd):
    with pytest.raises(typer.Exit), clean_exit():
        raise InputError(b"caf\xe9.".decode(errors="surrogateescape"))
    assert capfd.readouterr().err == "caf\\udce9.\n"


STEPS = {
    "listing": "pipeline.planning.plan.list_input",
    "footer": "pipeline.corpus.footer.open_parquet",
    "plan": "pipeline.planning.plan.resolve_job",
    "committed": "pipeline.planning.plan.committed_units",
    "lock": "pipeline.execution.run.acquire_lock",
    "estimate": "pipeline.cli.annotation.plan_table",
}


@pytest.mark.parametrize("step", STEPS)
@foreign
def test_foreign_exception_in_a_step_of_annotate_is_no_traceback(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, step: str
):
    if step == "committed":
        (tmp_path / "out").mkdir()
        monkeypatch.setattr("pipeline.planning.plan.is_locked_by", lambda *_: True)
    source = write_local(make_corpus(4), tmp_path / "in")
    config = tmp_path / "job.yaml"
    config.write_text(
        f"input: {{uri: {source}, text_column: text, id_column: id}}\n"
        f"output: {{uri: {tmp_path / 'out'}}}\n"
        f"tasks: [{{type: ner, model: {{path: {models / 'ner'}}}}}]\n"
    )

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(STEPS[step], fail)
    options = ["--dry-run"] if step == "estimate" else []
    ended = CliRunner().invoke(app, ["annotate", "--config", str(config), *options])
    assert ended.exit_code in (1, 2)
    assert "Traceback" not in ended.output
    if step != "footer":  # what Arrow and a store say of one is quoted: no record is in it
        assert type(error).__name__ in ended.output
        assert "secret" not in ended.output


@pytest.mark.parametrize(
    ("command", "step"),
    [
        (["verify", "out"], "pipeline.output.verify.verify"),
        (["report", "out"], "pipeline.reporting.page.write_page"),
        (["tables", "--config", "tables"], "pipeline.cli.tables.load"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@foreign
def test_foreign_exception_in_another_command_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, command: list[str], step: str, error: BaseException
):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(step, fail)
    ended = CliRunner().invoke(app, command)
    assert ended.exit_code == 1
    assert "Unexpected error" in ended.output
    assert "secret" not in ended.output
