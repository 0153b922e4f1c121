"""Entities: scores, and what they are held against."""

import pyarrow as pa
import pytest

from pipeline.training.heads.ner import NER, entity_f1


def test_entity_f1_needs_words_and_type_to_be_right():
    gold = pa.chunked_array([[["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O"]]])
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["B-ORG", "I-ORG"]]
    # One of three predicted is right, and one of three gold ones is found.
    assert entity_f1(gold, predicted) == pytest.approx(1 / 3)


def test_most_frequent_tags_are_those_of_the_language():
    def rows(pairs, language):
        return {
            "tokens": [w for w, _ in pairs],
            "tags": [t for _, t in pairs],
            "language": language,
        }

    train = pa.Table.from_pylist(
        [
            rows([("Bonn", "B-LOC"), ("Bonn", "O"), ("Bonn", "B-LOC")], "de_DE"),
            rows([("Bonn", "O")], "en_XX"),
        ]
    )
    test = pa.Table.from_pylist(
        [rows([("Bonn", "B-LOC"), ("Ulm", "O")], "de_DE"), rows([("Bonn", "B-LOC")], "en_XX")]
    )
    figures = NER.guessed(train, test)
    assert figures == {"entity_f1": {"de_DE": 1.0, "en_XX": 0.0}}
