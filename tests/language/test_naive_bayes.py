"""Counts as they are used and stored."""

import numpy as np
import pytest

from pipeline.language.naive_bayes import NaiveBayes, load, save_model
from pipeline.language.ngrams import LETTER_WEIGHT, SPAN_WEIGHTS, evidence

LABELS = ("de_DE", "en_XX", "fr_XX")
TEXTS = ["ein wort", "a word", "", "un mot de plus", "ᏣᎳᎩ"]


@pytest.fixture
def model() -> NaiveBayes:
    generator = np.random.default_rng(1)
    known = evidence(TEXTS[:4])
    spans = np.unique(known.spans)[::2]
    letters = np.unique(known.letters)
    met_in = generator.integers(1, 4, len(spans)).astype(np.uint8)
    languages = [generator.permutation(3)[:count] for count in met_in]
    return NaiveBayes(
        labels=LABELS,
        letters=letters,
        letter_weights=generator.integers(0, 255, (len(letters), 3)).astype(np.uint8),
        spans=spans,
        met_in=met_in,
        languages=np.concatenate([np.sort(some) for some in languages]).astype(np.uint8),
        weights=generator.integers(1, 255, int(met_in.sum())).astype(np.uint8),
        floor=np.array([-9.0, -8.5, -9.5], np.float32),
        scale=0.05,
    )


def test_likelihoods_add_up_what_each_letter_and_known_span_is_worth(model):
    known_features = evidence(TEXTS[:1])
    table = np.zeros((len(model.spans), 3))
    rows = np.repeat(np.arange(len(model.spans)), model.met_in)
    table[rows, model.languages] = model.weights
    letters = np.searchsorted(model.letters, known_features.letters)
    spans = [np.flatnonzero(model.spans == span) for span in known_features.spans]
    counted = [
        SPAN_WEIGHTS[kind]
        for kind, place in zip(known_features.span_kinds, spans, strict=True)
        if len(place)
    ]
    known = np.concatenate(spans)
    expected = LETTER_WEIGHT * (model.letter_weights[letters] * 0.05 + model.floor).sum(axis=0)
    expected += np.array(counted) @ (table[known] * 0.05 + model.floor)
    found, features = model.likelihoods(TEXTS[:1])
    np.testing.assert_allclose(found[0], expected - expected.max(), atol=1e-4)
    assert features.tolist() == [LETTER_WEIGHT * len(letters) + sum(counted)]
    assert 0 < len(known) < len(known_features.spans)


def test_likelihoods_of_what_was_never_counted_are_equal(model):
    found, features = model.likelihoods(["", "ᏣᎳᎩ"])
    assert features.tolist() == [0, 0]
    assert found.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_likelihoods_of_more_texts_than_go_at_once_depend_on_their_text_alone(model):
    texts = [f"{text} {'ab' * (row % 7)}" for row, text in enumerate(TEXTS * 100)]
    several, _ = model.likelihoods(texts)
    alone = np.concatenate([model.likelihoods([text])[0] for text in texts])
    np.testing.assert_array_equal(several, alone)


def test_likelihoods_find_spans_whose_hashes_begin_alike(model):
    near = (np.uint32(7 << 20) + np.arange(9, dtype=np.uint32)) * np.uint32(3)
    crowded = NaiveBayes(**{**vars(model), "spans": near, "met_in": np.ones(9, np.uint8)})
    looked_up = np.concatenate([near, near + np.uint32(1)])
    assert crowded._places(looked_up).tolist() == [*range(9), *[-1] * 9]


def test_likelihoods_of_no_texts_are_empty(model):
    found, features = model.likelihoods([])
    assert (found.shape, features.shape) == ((0, 3), (0,))


def test_save_model_keeps_answers(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    loaded = load(path)
    assert loaded.labels == LABELS
    np.testing.assert_array_equal(loaded.likelihoods(TEXTS)[0], model.likelihoods(TEXTS)[0])
