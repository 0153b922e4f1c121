"""Training of the language identifier on a corpus that it can learn by heart."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.language.ngram_model import NgramModel, load
from pipeline.training.config import IdentifierConfig
from pipeline.training.identifier import calibrated, cropped, train_identifier

SENTENCES = {
    "de_DE": "der fluss ist lang und die stadt ist alt",
    "en_XX": "the river is long and the town is old",
    "zh_CN": "这座城市很大河流经过人们住在那里",
}


@pytest.fixture
def config(tmp_path) -> IdentifierConfig:
    rows = [
        {"text": " ".join([text, text[: 5 + row]]), "language": language, "split": split}
        for language, text in SENTENCES.items()
        for split, count in (("train", 20), ("dev", 5))
        for row in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "texts.parquet")
    return IdentifierConfig(
        data=tmp_path / "texts.parquet",
        out=tmp_path / "out" / "model.safetensors",
        bits=10,
        steps=40,
        batch_size=16,
        learning_rate=0.3,
        language_smoothing=0.5,
        threads=1,
        seed=1,
    )


def test_train_identifier_model_knows_its_languages(config):
    trained = train_identifier(config)
    model = load(config.out)
    np.testing.assert_array_equal(trained.weights, model.weights)
    assert model.labels == tuple(sorted(SENTENCES))
    answers = model.probabilities([SENTENCES[label] for label in model.labels])
    assert answers.argmax(axis=1).tolist() == [0, 1, 2]


def test_train_identifier_same_seed_same_model(config):
    first = train_identifier(config)
    again = train_identifier(config)
    np.testing.assert_array_equal(first.weights, again.weights)


def test_calibrated_model_that_is_too_sure_becomes_less_so(config):
    model = train_identifier(config)
    boastful = NgramModel(model.labels, 50 * model.weights, model.bias)
    # Half of the labels are wrong, so that no one should be sure of anything.
    languages = [label for label in model.labels for _ in range(2)] * 4
    texts = [SENTENCES[model.labels[row % 3]] for row in range(len(languages))]
    dev = pa.table({"text": texts, "language": languages})
    modest = calibrated(boastful, dev, np.random.default_rng(0))
    assert modest.probabilities(texts).max() < boastful.probabilities(texts).max() - 0.1


def test_cropped_is_whole_words_in_their_order():
    generator = np.random.default_rng(3)
    text = "one two three four five six seven eight nine ten"
    pieces = [cropped(text, generator) for _ in range(200)]
    assert all(piece in text and 1 <= len(piece) <= 40 for piece in pieces)
    assert all(piece.split()[0] in text.split() for piece in pieces)


def test_cropped_text_without_spaces_reaches_its_end():
    generator = np.random.default_rng(3)
    text = "这座城市很大河流经过人们住在那里山高水长"
    assert any(cropped(text, generator).endswith("长") for _ in range(200))
