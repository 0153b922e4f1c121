"""What of a message reaches a terminal."""

import unicodedata

import pytest

from pipeline.errors import on_one_line, printable

HOSTILE = {
    "colour": ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    "title": ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
    "link": ("\x1b]8;;http://evil\x1b\\here", r"\x1b]8;;http://evil\x1b" + r"\here"),
    "back over the line": ("safe\r\x08\x7fevil", r"safe\r\x08\x7fevil"),
    "C1": ("\x9b31m\x85\x90", r"\x9b31m\x85\x90"),
    "bidi": ("\u202eabc\u202c\u2067x\u2069", r"\u202eabc\u202c\u2067x\u2069"),
    "lines": ("a\u2028b\u2029c\x0b\x0c", r"a\u2028b\u2029c\x0b\x0c"),
    "null": ("\x00", r"\x00"),
    "not UTF-8": (b"a\xff".decode(errors="surrogateescape"), r"a\udcff"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_printable_escapes_what_steers_a_terminal(text: str, shown: str):
    assert printable(text) == shown


def test_printable_leaves_no_control_character_of_any_kind():
    everything = "".join(map(chr, range(0x3000)))
    left = {one for one in printable(everything) if unicodedata.category(one) in ("Cc", "Zl", "Zp")}
    assert left == {"\t", "\n"}


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian, with a non-joiner
        "क्\u200dष",  # Devanagari, with a joiner
        "שלום \u200f(עולם)\u200e",
        "👩\u200d💻 東京 [red] C:\\new",
        "two\nlines\tand a tab",
    ],
)
def test_printable_leaves_text_of_all_scripts_as_it_is(text: str):
    assert printable(text) == text


def test_on_one_line_escapes_line_feeds_too():
    assert on_one_line("a.parquet\nAll is well\r") == r"a.parquet\nAll is well\r"
