"""Scripts that one language is written in."""

import pytest

from pipeline.language.scripts import LATIN_SERBIAN, SOLE, label_of, told_by_script
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
def test_told_by_script_of_one_language(text, language):
    assert told_by_script([text]) == [(language, 1.0)]


@pytest.mark.parametrize(
    "text", ["", "12 🙂", "hello", "привет", "مرحبا", "नमस्ते", "北京大学", "中の文字文字文字"]
)
def test_told_by_script_of_many_languages_or_none_is_open(text):
    assert told_by_script([text]) == [None]


def test_told_by_script_a_brand_in_latin_letters_does_not_unsettle_it():
    ((language, share),) = told_by_script(["การทดสอบระบบภาษาไทยด้วย Ray ทำงานได้ดีมาก"])
    assert language == "th_TH"
    assert 0.8 < share < 1


def test_told_by_script_halves_of_two_scripts_are_open():
    assert told_by_script(["สวัสดี hello hello"]) == [None]


def test_told_by_script_depends_on_its_text_alone():
    texts = ["สวัสดี", "", "hello", "東京へ行く", "안녕"]
    assert told_by_script(texts) == [told_by_script([text])[0] for text in texts]
    assert told_by_script([]) == []


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
