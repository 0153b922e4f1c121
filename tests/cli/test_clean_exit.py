"""How a command ends, as its user sees it."""

import pytest
import typer

from pipeline.cli.clean_exit import clean_exit
from pipeline.errors import ConfigError, IncompleteError, InputError, PipelineError, StoppedError


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


def test_unknown_error_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), clean_exit():
        raise ZeroDivisionError
