"""Texts beside questions and choices, in windows."""

import pytest

from pipeline.tasks.model_inputs import Asked, Beside, ModelInput, Piece, Unreadable, read
from pipeline.xmod.windows import WindowTokenizer
from tests.helpers.checkpoints import SENTENCES, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
LENGTH, STRIDE = 56, 5
LONG = " ".join(SENTENCES[:2] * 5)


def pieces(beside: Beside, text: str, asked: Asked, fixed: tuple[str, ...] = ()) -> list[Piece]:
    definition = TOKENIZER.backend_tokenizer.to_str()
    reading = ModelInput(WindowTokenizer(definition, LENGTH), beside, fixed)
    (found,) = read(reading, [text], [asked], STRIDE)
    assert isinstance(found, list), found
    return found


def test_read_question_stands_whole_before_each_piece_of_the_text():
    question = "Anna Schmidt visited"
    found = pieces(Beside.QUESTION, LONG, Asked(question, None))
    before = TOKENIZER(question)["input_ids"]
    assert len(found) > 2
    for number, piece in enumerate(found):
        assert piece.number == number
        assert piece.encoding.ids[: len(before) + 1] == [*before, TOKENIZER.sep_token_id]
        assert len(piece.encoding) <= LENGTH
        spans = [span for span in piece.spans if span[1]]
        assert piece.spans[: len(before) + 1] == [(0, 0)] * (len(before) + 1)
        assert spans == sorted(spans)
    assert found[-1].spans[-2][1] == len(LONG)


def test_read_pieces_of_the_text_overlap_by_the_stride():
    first, second = pieces(Beside.QUESTION, LONG, Asked("Prague", None))[:2]
    own = [[span for span in piece.spans if span[1]] for piece in (first, second)]
    assert own[0][-STRIDE:] == own[1][:STRIDE]


def test_read_choices_stand_after_the_text_one_by_one():
    choices = ["in Prague", "nobody knows why"]
    found = pieces(Beside.CHOICES, "The river", Asked(None, choices))
    expected = [TOKENIZER("The river", choice)["input_ids"] for choice in choices]
    assert [piece.encoding.ids for piece in found] == expected
    assert [piece.choice for piece in found] == [0, 1]
    assert all(max(end for _, end in piece.spans) == len("The river") for piece in found)


def test_read_question_of_all_records_goes_before_their_own():
    found = pieces(Beside.QUESTION, "The river", Asked("Anna", None), ("Prague",))
    assert found[0].encoding.ids == TOKENIZER("Prague", "The river")["input_ids"]


@pytest.mark.parametrize(
    ("beside", "asked", "error"),
    [
        (Beside.QUESTION, Asked(None, None), "NoQuestion"),
        (Beside.QUESTION, Asked(LONG, None), "QuestionTooLong"),
        (Beside.CHOICES, Asked("Why?", None), "NoChoices"),
        (Beside.CHOICES, Asked("Why?", ["a", LONG]), "QuestionTooLong"),
    ],
)
def test_read_record_that_cannot_be_read_says_why_and_costs_no_other(beside, asked, error):
    definition = TOKENIZER.backend_tokenizer.to_str()
    reading = ModelInput(WindowTokenizer(definition, LENGTH), beside)
    good = Asked("Anna", ["a", "b"])
    first, second, third = read(reading, ["The river"] * 3, [good, asked, good], STRIDE)
    assert isinstance(second, Unreadable)
    assert second.error_type == error
    assert LONG not in second.message
    assert [piece.encoding.ids for piece in first] == [piece.encoding.ids for piece in third]
