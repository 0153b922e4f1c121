import pytest

from pipeline.language.pycld2_library import Pycld2


def test_pycld2_sure_text_has_the_whole_probability():
    shares = dict(Pycld2().probabilities("Das ist ein Test des neuen Systems in der Stadt."))
    assert shares == {"de": pytest.approx(1), "un": pytest.approx(0)}


def test_pycld2_unsure_text_stays_below_a_half():
    shares = dict(Pycld2().probabilities("hello"))
    assert 0 < shares["en"] < 0.5
    assert sum(shares.values()) == pytest.approx(1)


def test_pycld2_two_languages_share_the_text():
    text = (
        "Das ist ein langer Satz über die Eisenbahn. " * 3
        + "Это предложение о железной дороге. " * 3
    )
    shares = dict(Pycld2().probabilities(text))
    assert 0 < shares["ru"] < 0.5
    assert 0 < shares["de"] < 0.5


def test_pycld2_markup_is_not_interpreted():
    shares = dict(Pycld2().probabilities('<p lang="fi">The committee will publish its report.</p>'))
    assert max(shares, key=shares.get) == "en"
