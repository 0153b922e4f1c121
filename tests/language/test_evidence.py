import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.evidence import LONGEST_EVIDENCE, blanked, legible


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "12 345,67 €",
        "🙂",
        "👩‍👩‍👧",
        "https://example.org/en/about?x=1",
        "www.example.com",
        "jane.doe+news@mail.example.co.uk",
        "@someone",
        "…—!?",
        "\x00\x01",
        "\ud800",
        "\u200d\u202e",
    ],
)
def test_legible_without_letters_is_empty(text):
    assert legible(text) == ""


def test_legible_drops_addresses_and_keeps_the_words_beside_them():
    assert legible("见https://a.example/x这个 or ask me@a.example now").split() == [
        *["见", "这个", "or", "ask", "now"]
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sieh #köln @dein_freund danke", "Sieh danke"),
        ("Text mit <b>fett</b> und &nbsp; mehr &#228;", "Text mit fett und mehr"),
        ("nutze `git commit` oder ```\nprint('hi')\n``` hier", "nutze oder hier"),
        ("for (int i = 0; i < n; i++) {\n  sum += a[i];\n}\nDas ist sie.", "Das ist sie."),
        ("rufe foo.bar() in /usr/local/bin auf", "rufe in auf"),
        ("setze my_value auf x=1 und {{Infobox}}", "setze auf und"),
    ],
)
def test_legible_drops_names_markup_and_code(text, left):
    assert " ".join(legible(text).split()) == left


@pytest.mark.parametrize(
    "text",
    ["und/oder he/she", "Artikel 5 (neu);", "C++ und C#", "a; b; c", "Q&A", "(x)"],
)
def test_legible_keeps_prose_that_looks_a_little_like_code(text):
    assert legible(text) == text


def test_legible_takes_noise_out_before_it_cuts():
    tags = "<span class='a name of it'>" * 200
    assert legible(tags + "Das ist ein deutscher Satz.") == "Das ist ein deutscher Satz."


def test_legible_cuts_between_words():
    assert set(legible("wort " * 2_000).split()) == {"wort"}
    assert len(legible("漢" * 9_000)) == LONGEST_EVIDENCE


def test_blanked_is_as_long_as_the_text():
    text = "Sieh https://example.org/a und #das `x` <b>an</b>"
    assert len(blanked(text)) == len(text)
    assert blanked(text).split() == ["Sieh", "und", "an"]


def test_legible_composes_letters_and_marks():
    assert legible("e\u0301te\u0301") == "été"


def test_legible_drops_control_characters_and_keeps_joiners():
    assert legible("می\u200cخواهم\x00\u202e") == "می\u200cخواهم"


def test_legible_looks_at_the_beginning_only():
    assert len(legible("wort " * 10_000)) < LONGEST_EVIDENCE


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_000,
        "a@" * 10_000,
        "http://" * 3_000,
        "www." * 5_000,
        "a_" * 9_000,
        "`" * 9_999,
        "<a" * 9_000,
        "/a" * 9_000,
    ],
)
def test_legible_hostile_repetition_is_quick(text):
    start = time.perf_counter()
    legible(text)
    assert time.perf_counter() - start < 1


@given(st.text())
def test_legible_any_string_never_raises(text):
    legible(text)
