"""The n-gram model and what CLD2 adds to it."""

import pytest

from pipeline.language.cascade import Cascade

FEW = ("en_XX", "it_IT", "ms_MY", "id_ID", "zh_TW", "ar_AR")
MALTESE = "Il-kumitat se jippubblika r-rapport tiegħu dwar il-linja l-ġdida tal-ferrovija."
MALAY = "Pihak berkuasa berkata bahawa kereta api itu akan mula beroperasi pada bulan hadapan."
INDONESIAN = "Pihak berwenang mengatakan bahwa kereta itu akan mulai beroperasi bulan depan."


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade(FEW)


def test_detect_language_that_the_model_was_not_told_of_is_named(cascade):
    (answer,) = cascade.detect([MALTESE])
    assert (answer.outside, answer.score < 0.5) == ("mt", True)
    assert answer.outside_score > 0.8


def test_detect_language_that_was_added_to_a_checkpoint_goes_to_its_adapter():
    added = Cascade(("en_XX", "it_IT", "mt_MT"))
    (answer,) = added.detect([MALTESE])
    assert answer.language == "mt_MT"
    assert answer.score > 0.8
    assert added.known == {"en_XX", "it_IT", "mt_MT"}


def test_detect_close_relatives_are_told_apart(cascade):
    answers = cascade.detect([MALAY, INDONESIAN])
    assert [answer.language for answer in answers] == ["ms_MY", "id_ID"]


def test_detect_simplified_chinese_goes_to_the_only_chinese_adapter(cascade):
    (answer,) = cascade.detect(["委员会将于下个月发布关于新铁路线的报告。"])
    assert answer.language == "zh_TW"


def test_known_covers_every_language_of_xmod_base(xmod_base):
    assert Cascade(xmod_base).known == frozenset(xmod_base)
