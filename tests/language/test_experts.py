"""Probabilities by scripts, naive Bayes and libraries."""

import numpy as np
import pyarrow as pa
import pytest

from demo.training.identifier import counted
from demo.training.settings import IdentifierConfig
from pipeline.language import experts as experts_module
from pipeline.language.cascade import FOLDER
from pipeline.language.ensemble import Ensemble, save_ensemble
from pipeline.language.experts import COUNTS, ENSEMBLE, Experts, in_doubt, opinions
from pipeline.language.naive_bayes import save_model

SENTENCE = "The committee will publish its report on the new railway line next month."


@pytest.fixture(scope="module")
def experts() -> Experts:
    return Experts(FOLDER)


class Fake:
    """A library that gives one answer for every text."""

    version = "fake 1"

    def __init__(self, **shares: float) -> None:
        self.labels = list(shares)
        self.shares = shares

    def probabilities(self, text: str):
        return self.shares.items()


def test_probabilities_are_zero_where_nothing_is_recognized_and_else_add_up_to_one(experts):
    shares = experts.probabilities(["", "ᏣᎳᎩ", SENTENCE, "no", "สวัสดี", "北京大学"])
    np.testing.assert_allclose(shares.sum(axis=1), [0, 0, 1, 1, 1, 1], atol=1e-5)


def test_probabilities_ask_libraries_for_short_texts_in_doubt_alone(experts, monkeypatch):
    asked = []

    def recorded(library, labels, texts):
        asked.extend(texts)
        return opinions(library, labels, texts)

    monkeypatch.setattr(experts_module, "opinions", recorded)
    experts.probabilities([SENTENCE, "no", "สวัสดี"])
    assert set(asked) == {"no"}


def test_in_doubt_is_what_is_short_and_unsure():
    shares = np.array([[0.4, 0.3], [0.4, 0.3], [0.9, 0.1]], np.float32)
    assert in_doubt(shares, ["kurz", "lang " * 30, "kurz"]).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "code"),
    [("根據公司的 CEO", "zh_TW"), ("根据公司的 CEO", "zh_CN")],
)
def test_probabilities_of_chinese_are_its_scripts(text, code, experts):
    (shares,) = experts.probabilities([text])
    assert experts.labels[shares.argmax()] == code


def test_probabilities_of_a_script_whose_language_was_not_counted_are_open(tmp_path):
    config = IdentifierConfig(
        data=tmp_path,
        out=tmp_path,
        characters=1000,
        least_count=1,
        smoothing=0.01,
        detectors=(),
        seed=1,
    )
    texts = pa.table({"language": ["de_DE", "en_XX"], "text": ["ein wort", "a word"]})
    save_model(counted(config, texts), tmp_path / COUNTS)
    save_ensemble(Ensemble(), tmp_path / ENSEMBLE)
    shares = Experts(tmp_path).probabilities(["สวัสดี", "wort"])
    assert shares[0].tolist() == [0, 0]
    assert shares[1].argmax() == 0


def test_opinions_of_what_libraries_do_not_distinguish_are_of_both():
    labels = ("de_DE", "hr_HR", "sr_RS", "zh_CN", "zh_TW")
    found = opinions(Fake(de=0.5, hr=0.25, zh=0.125), labels, ["wort"])
    assert found.tolist() == [[0.5, 0.25, 0.25, 0.125, 0.125]]


def test_version_is_of_libraries_and_counts(experts):
    assert experts.version.startswith("py3langid ")
    assert "pycld2 " in experts.version
    assert len(experts.version.split()[-1]) == 64
