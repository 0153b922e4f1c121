"""Scripts that one language is written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.scripts import (
    LATIN_SERBIAN,
    SOLE,
    chinese_script,
    label_of,
    language_of_script,
)
from pipeline.language.xmod_base import XMOD_BASE


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("สวัสดี", "th_TH"),
        ("გამარჯობა", "ka_GE"),
        ("Բարեւ", "hy_AM"),
        ("안녕하세요", "ko_KR"),
        ("שלום", "he_IL"),
        ("ሰላም", "am_ET"),
        ("東京へ行く", "ja_XX"),
        ("こんにちは", "ja_XX"),
        ("カメラ", "ja_XX"),
    ],
)
def test_language_of_script_of_one_language(text, language):
    assert language_of_script([text]) == [(language, 1.0)]


@pytest.mark.parametrize(
    "text", ["", "12 🙂", "hello", "привет", "مرحبا", "नमस्ते", "北京大学", "中の文字文字文字"]
)
def test_language_of_script_of_many_languages_or_none_is_open(text):
    assert language_of_script([text]) == [None]


def test_language_of_script_a_brand_in_latin_letters_does_not_unsettle_it():
    ((language, share),) = language_of_script(["การทดสอบระบบภาษาไทยด้วย Ray ทำงานได้ดีมาก"])
    assert language == "th_TH"
    assert 0.8 < share < 1


def test_language_of_script_halves_of_two_scripts_are_open():
    assert language_of_script(["สวัสดี hello hello"]) == [None]


def test_language_of_script_depends_on_its_text_alone():
    texts = ["สวัสดี", "", "hello", "東京へ行く", "안녕"]
    assert language_of_script(texts) == [language_of_script([text])[0] for text in texts]
    assert language_of_script([]) == []


@pytest.mark.parametrize(
    ("code", "text", "label"),
    [
        ("sr_RS", "Комисија је рекла", "sr_RS"),
        ("sr_RS", "Komisija je rekla", LATIN_SERBIAN),
        ("hr_HR", "Povjerenstvo je reklo", "hr_HR"),
        ("sr_RS", "", "sr_RS"),
    ],
)
def test_label_of_serbian_is_by_its_script(code, text, label):
    assert label_of(code, text) == label


def test_sole_scripts_are_of_languages_that_xmod_has():
    assert set(SOLE.values()) <= set(XMOD_BASE)


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
def test_chinese_script_is_decided_by_characters_of_one_script(text, script):
    assert chinese_script(text) == script


@given(st.text())
def test_chinese_script_any_string_never_raises(text):
    assert chinese_script(text) in ("Hans", "Hant", None)
