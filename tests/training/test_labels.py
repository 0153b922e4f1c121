"""Words to sub-token labels and back."""

import pytest

from pipeline.training.labels import (
    IGNORED,
    Entity,
    bio_labels,
    entities,
    rebuild,
    repair,
    token_labels,
    word_tags,
)

LABELS = bio_labels(["PER", "LOC", "PER"])
OUT, B_LOC, I_LOC, B_PER, I_PER = range(5)


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


def test_token_labels_chinese_follow_characters():
    # 李明住在北京: the tokenizer cuts 李|明|住在|北京, the words are 李明|住|在|北京.
    offsets = [(0, 0), (0, 1), (1, 2), (2, 4), (4, 6), (0, 0)]
    found = [Entity("PER", 0, 2), Entity("LOC", 4, 6)]
    assert token_labels(offsets, found, LABELS) == [IGNORED, B_PER, I_PER, OUT, B_LOC, IGNORED]


def test_token_labels_lone_word_mark_begins_the_entity():
    # SentencePiece's mark has the offsets of the character after it.
    assert token_labels([(0, 1), (0, 1), (1, 2)], [Entity("LOC", 0, 2)], LABELS) == [
        B_LOC,
        I_LOC,
        I_LOC,
    ]


def test_token_labels_token_across_an_entitys_edge_belongs_to_it():
    assert token_labels([(0, 3), (3, 5)], [Entity("LOC", 0, 2)], LABELS) == [B_LOC, OUT]


def test_word_tags_come_from_the_first_sub_token():
    offsets = [(0, 2), (2, 4), (5, 8)]
    assert word_tags(offsets, ["B-PER", "O", "I-LOC"], [(0, 4), (5, 8)]) == ["B-PER", "B-LOC"]


def test_word_tags_words_in_one_sub_token_are_one_entity():
    assert word_tags([(0, 2), (2, 3)], ["B-LOC", "O"], [(0, 1), (1, 2), (2, 3)]) == [
        "B-LOC",
        "I-LOC",
        "O",
    ]


def test_word_tags_word_beyond_the_window_is_outside():
    assert word_tags([(0, 2)], ["B-PER"], [(0, 2), (3, 5)]) == ["B-PER", "O"]


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


def test_labels_of_words_survive_the_round_trip_through_sub_tokens():
    words, spaces = ["東", "京", "と", "李"], [False] * 4
    tags = ["B-LOC", "I-LOC", "O", "B-PER"]
    _, spans = rebuild(words, spaces)
    offsets = [(0, 2), (2, 3), (3, 4)]
    labels = token_labels(offsets, entities(tags, spans), LABELS)
    assert word_tags(offsets, [LABELS[label] for label in labels], spans) == tags
