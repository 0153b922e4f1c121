"""Entities: scores, and what they are held against."""

import pyarrow as pa
import pytest

from pipeline.errors import InputError
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
    assert figures == {"baseline": {"entity_f1": {"de_DE": 1.0, "en_XX": 0.0}}}


def test_spaces_follow_from_the_language_where_the_data_have_none():
    rows = pa.Table.from_pylist(
        [
            {"tokens": ["a", "b"], "tags": ["O", "B-X"], "language": "de_DE"},
            {"tokens": ["北", "京"], "tags": ["O", "O"], "language": "zh_CN"},
        ]
    )
    assert NER.checked(rows)["spaces"].to_pylist() == [[True, True], [False, False]]
    given = rows.append_column("spaces", pa.array([[False, True], None]))
    assert NER.checked(given)["spaces"].to_pylist() == [[False, True], [False, False]]


@pytest.mark.parametrize("tags", [["O"], ["O", "PER"], ["O", "L-PER"], None, ["O", None]])
def test_rows_without_an_iob_tag_a_word_are_an_input_error(tags):
    table = pa.Table.from_pylist([{"tokens": ["a", "b"], "tags": tags, "language": "de_DE"}])
    with pytest.raises(InputError, match="1 rows have not one tag a word"):
        NER.checked(table)
