"""The linear model over n-grams, as it is used and stored."""

import numpy as np
import pytest

from pipeline.language.ngram_model import NgramModel, load, rounded, save_model
from pipeline.language.ngrams import ngrams

LABELS = ("de_DE", "en_XX", "fr_XX")
TEXTS = ["ein wort", "a word", "", "un mot de plus"]


@pytest.fixture
def model() -> NgramModel:
    weights = np.random.default_rng(1).normal(size=(2**10, 3)).astype(np.float32)
    return NgramModel(LABELS, weights, np.array([0.1, -0.2, 0.0], np.float32), 0.5, 0.25)


def test_probabilities_are_a_softmax_of_the_calibrated_sums(model):
    found = ngrams(TEXTS[:1], 10)
    logits = model.weights[found.buckets].sum(axis=0) / np.sqrt(len(found.buckets)) + model.bias
    logits *= 0.5 + 0.25 * np.log(len(found.buckets))
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(model.probabilities(TEXTS[:1])[0], expected, rtol=1e-5)


def test_probabilities_add_up_to_one_where_there_are_letters(model):
    sums = model.probabilities(TEXTS).sum(axis=1)
    np.testing.assert_allclose(sums, [1, 1, 0, 1], rtol=1e-5)


def test_probabilities_depend_on_their_text_alone(model):
    alone = np.concatenate([model.probabilities([text]) for text in TEXTS])
    np.testing.assert_array_equal(model.probabilities(TEXTS), alone)


def test_probabilities_of_more_texts_than_go_at_once_are_the_same(model):
    texts = [f"{text} {'ab' * (row % 7)}" for row, text in enumerate(TEXTS * 100)]
    several = model.probabilities(texts)
    alone = np.concatenate([model.probabilities([text]) for text in texts])
    np.testing.assert_array_equal(several, alone)


def test_rounded_is_what_save_model_writes(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    np.testing.assert_array_equal(rounded(model).weights, load(path).weights)


def test_save_model_keeps_answers_within_a_percent(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    loaded = load(path)
    assert (loaded.labels, loaded.sharpness, loaded.slope) == (LABELS, 0.5, 0.25)
    np.testing.assert_allclose(loaded.probabilities(TEXTS), model.probabilities(TEXTS), atol=0.01)
    assert path.stat().st_size < 2**10 * 3 + 2_000
