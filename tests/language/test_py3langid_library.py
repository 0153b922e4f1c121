import pytest
from py3langid import langid

from pipeline.language.py3langid_library import Py3langid


def test_py3langid_probabilities_add_up_to_one():
    shares = dict(Py3langid().probabilities("Das ist ein Satz."))
    assert max(shares, key=shares.get) == "de"
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)


def test_py3langid_model_is_its_own():
    library = Py3langid()
    langid.set_languages(["en", "fr"])
    try:
        assert next(iter(library.probabilities("Das ist ein Satz.")))[0] == "de"
    finally:
        langid.set_languages(None)
