"""Words to labels of tokens and back."""

import pytest

from pipeline.tasks.words import Word, words_of
from pipeline.training.labels import (
    IGNORED,
    Entity,
    bio_labels,
    entities,
    rebuild,
    repair,
    tags_of,
    word_labels,
)

LABELS = bio_labels(["PER", "LOC", "PER"])
OUT, B_LOC, I_LOC, B_PER, I_PER = range(5)


def labelled(text: str, offsets: list[tuple[int, int]], found: list[Entity]) -> list[int]:
    return word_labels(words_of(text, offsets), found, LABELS, len(offsets))


def test_bio_labels_are_in_alphabetical_order_after_outside():
    assert LABELS == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_rebuild_chinese_words_have_no_spaces_between():
    text, spans = rebuild(["李明", "住", "在", "北京", "。"], [False] * 5)
    assert text == "李明住在北京。"
    assert spans == [(0, 2), (2, 3), (3, 4), (4, 6), (6, 7)]


def test_rebuild_spaces_are_kept_where_they_were():
    text, spans = rebuild(["Hi", ",", "Bo", "!"], [False, True, False, True])
    assert text == "Hi, Bo!"
    assert [text[start:end] for start, end in spans] == ["Hi", ",", "Bo", "!"]


def test_entities_adjacent_of_one_type_stay_two():
    assert entities(["B-PER", "B-PER", "I-PER", "O"], [(0, 1), (1, 2), (2, 3), (3, 4)]) == [
        Entity("PER", 0, 1),
        Entity("PER", 1, 3),
    ]


def test_word_labels_are_at_the_first_token_of_each_word():
    # The tokenizer cuts 李|明|住在|北京, and each token is a word.
    offsets = [(0, 0), (0, 1), (1, 2), (2, 4), (4, 6), (0, 0)]
    found = [Entity("PER", 0, 2), Entity("LOC", 4, 6)]
    assert labelled("李明住在北京", offsets, found) == [IGNORED, B_PER, I_PER, OUT, B_LOC, IGNORED]


def test_word_labels_other_tokens_of_a_word_are_ignored():
    # SentencePiece's mark has the offsets of the character after it.
    offsets = [(0, 1), (0, 1), (1, 4), (4, 6), (6, 7)]
    assert labelled("Berlin.", offsets, [Entity("LOC", 0, 6)]) == [
        *(B_LOC, IGNORED, IGNORED, IGNORED),
        OUT,
    ]


def test_word_labels_word_across_an_entitys_edge_belongs_to_it():
    assert labelled("abcde fg", [(0, 5), (5, 8)], [Entity("LOC", 0, 2)]) == [B_LOC, OUT]


def test_tags_come_from_the_first_word_that_touches():
    words = [Word(0, 4, 0), Word(5, 8, 1)]
    assert tags_of([(0, 4), (5, 8)], words, ["B-PER", "I-LOC"]) == ["B-PER", "B-LOC"]


def test_tags_of_words_that_share_one_are_one_entity():
    words = [Word(0, 2, 0), Word(2, 3, 1)]
    assert tags_of([(0, 1), (1, 2), (2, 3)], words, ["B-LOC", "O"]) == ["B-LOC", "I-LOC", "O"]


def test_tags_word_beyond_the_window_is_outside():
    assert tags_of([(0, 2), (3, 5)], [Word(0, 2, 0)], ["B-PER"]) == ["B-PER", "O"]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["I-PER", "I-PER"], ["B-PER", "I-PER"]),
        (["B-PER", "I-LOC"], ["B-PER", "B-LOC"]),
        (["O", "I-ORG", "O"], ["O", "B-ORG", "O"]),
    ],
)
def test_repair_inside_that_continues_nothing_begins(tags, expected):
    assert repair(tags) == expected


def test_labels_of_words_survive_the_round_trip_through_tokens():
    words, spaces = ["東", "京", "と", "李"], [False] * 4
    tags = ["B-LOC", "I-LOC", "O", "B-PER"]
    text, spans = rebuild(words, spaces)
    offsets = [(0, 2), (2, 3), (3, 4)]
    found = words_of(text, offsets)
    labels = word_labels(found, entities(tags, spans), LABELS, len(offsets))
    assert tags_of(spans, found, [LABELS[labels[word.token]] for word in found]) == tags
