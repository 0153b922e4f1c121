import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.evidence import LONGEST_EVIDENCE, chinese_script, legible


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


def test_legible_drops_addresses_and_keeps_what_stands_beside_them():
    assert legible("见https://a.example/x这个 or ask me@a.example now").split() == [
        *["见", "这个", "or", "ask", "now"]
    ]


def test_legible_drops_control_characters_and_keeps_joiners():
    assert legible("می\u200cخواهم\x00\u202e") == "می\u200cخواهم"


def test_legible_looks_at_the_beginning_only():
    assert len(legible("wort " * 10_000)) < LONGEST_EVIDENCE


@pytest.mark.parametrize("text", ["a" * 20_000, "a@" * 10_000, "http://" * 3_000, "www." * 5_000])
def test_legible_hostile_repetition_is_quick(text):
    start = time.perf_counter()
    legible(text)
    assert time.perf_counter() - start < 1


@given(st.text())
def test_evidence_any_string_never_raises(text):
    legible(text)
    assert chinese_script(text) in ("Hans", "Hant", None)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("他们说这个国家的经济发展很快。", "Hans"),
        ("他們說這個國家的經濟發展很快。", "Hant"),
        ("ABC 他們說", "Hant"),
        ("你好", None),
        ("hello", None),
        ("", None),
    ],
)
def test_chinese_script_is_told_by_characters_of_one_script(text, script):
    assert chinese_script(text) == script
