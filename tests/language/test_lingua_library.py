"""What lingua says, brought to labels."""

import builtins

import pytest

from pipeline.errors import ConfigError
from pipeline.language.lingua_library import Lingua


@pytest.fixture(scope="module")
def lingua() -> Lingua:
    return Lingua()


def test_labels_are_two_letter_codes(lingua):
    assert len(lingua.labels) == 75
    assert {"nb", "nn", "de", "zh"} <= set(lingua.labels)


def test_probabilities_are_of_all_labels_and_add_up_to_one(lingua):
    shares = dict(lingua.probabilities("Das ist ein deutscher Satz."))
    assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
    assert max(shares, key=shares.get) == "de"


def test_lingua_that_is_not_installed_says_how_to(monkeypatch):
    found = builtins.__import__

    def without(name, *rest):
        if name == "lingua":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'xmod-pipeline\[lingua\]'"):
        Lingua()
