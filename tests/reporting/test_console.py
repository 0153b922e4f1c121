"""The console before names and texts that would steer it."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from pipeline.errors import printable
from pipeline.reporting.console import Console, cell, printed_offsets

HOSTILE = "news[/]1 :cat: \x1b[2J\x9b\u202e[bold]"


def printed(what: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(what)
    return console.file.getvalue()


def table_of(value: object) -> Table:
    table = Table("name", title=HOSTILE)
    table.add_row(value)
    return table


@pytest.mark.parametrize("make", [str, Text, cell, table_of], ids=["str", "Text", "cell", "table"])
def test_console_prints_a_hostile_name_as_it_is_spelled(make):
    assert printable(HOSTILE) in printed(make(HOSTILE))


def test_console_measures_a_name_as_it_is_shown():
    lines = printed(table_of(cell("a\x1b[31m\u202e b " * 5)), width=30).splitlines()
    assert len({len(line) for line in lines if line.startswith(("┏", "│"))}) == 1


def test_console_keeps_its_own_colours_on_a_terminal():
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text("\x1b[31ma", "green"))
    assert console.file.getvalue() == "\x1b[32m\\x1b[31ma\x1b[0m\n"


def test_console_shows_persian_and_hindi_as_they_are_spelled():
    text = "می\u200cخواهم क्\u200dष"
    assert printed(text) == f"{text}\n"


def test_printed_offsets_are_those_of_the_escaped_text():
    text = "a\x1bb\u202ec"
    places = printed_offsets(text)
    assert [printable(text)[place] for place in places[:-1]] == ["a", "\\", "b", "\\", "c"]
    assert places[-1] == len(printable(text))
