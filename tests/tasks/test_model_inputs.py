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


@pytest.mark.parametrize("text", [SENTENCES[0], LONG, f"  {SENTENCES[3]}", "\U0001f30a", ""])
@pytest.mark.parametrize("prefix", ["query: ", "田中さん: \n", " "])
def test_read_prefix_is_in_each_window_and_has_no_spans(prefix, text):
    reading = ModelInput(found_tokenizer(), prefix=prefix)
    (found,) = read(reading, [text], [Asked(None, None)], STRIDE)
    before = TOKENIZER(prefix, add_special_tokens=False)["input_ids"]
    together = TOKENIZER(prefix + text, return_offsets_mapping=True)
    assert isinstance(found, list)
    assert (len(found) > 1) == (text == LONG)
    for piece in found:
        ids = piece.encoding.ids
        assert ids[: len(before) + 1] == [TOKENIZER.bos_token_id, *before]
        assert len(ids) <= LENGTH
        assert piece.spans[: len(before) + 1] == [(0, 0)] * (len(before) + 1)
        assert all(end > start for start, end in piece.spans[len(before) + 1 : -1])
    if len(found) == 1:
        assert found[0].encoding.ids == together["input_ids"]
    assert found[0].encoding.ids[:-1] == together["input_ids"][: len(found[0].encoding) - 1]
    assert max(end for _, end in found[-1].spans) == len(text)


@pytest.mark.parametrize("beside", [Beside.SECOND_AFTER, Beside.SECOND_BEFORE])
def test_read_second_text_is_in_each_window_and_has_no_spans(beside):
    first = beside is Beside.SECOND_BEFORE
    found = pieces(beside, LONG, Asked(None, None, "in Prague"))
    second = TOKENIZER("in Prague", add_special_tokens=False)["input_ids"]
    assert len(found) > 2
    for piece in found:
        ids = piece.encoding.ids
        assert (ids[1 : len(second) + 1] if first else ids[-len(second) - 1 : -1]) == second
        assert len(ids) <= LENGTH
        spans = [span for span in piece.spans if span[1]]
        assert spans == sorted(spans)
        assert len(spans) == len(ids) - 4 - len(second)
    assert max(end for _, end in found[-1].spans) == len(LONG)


@pytest.mark.parametrize("beside", [Beside.SECOND_AFTER, Beside.SECOND_BEFORE])
def test_read_second_text_longer_than_half_a_window_is_taken_where_both_fit(beside):
    """As transformers takes them; a question does not depend on its text."""
    second = " ".join(["Prague"] * 8)
    tokens = len(TOKENIZER(second, add_special_tokens=False)["input_ids"])
    assert (LENGTH - 4 - STRIDE) // 2 < tokens < LENGTH - 4
    (found,) = pieces(beside, "The river", Asked(None, None, second))
    pair = ("The river", second) if beside is Beside.SECOND_AFTER else (second, "The river")
    assert found.encoding.ids == TOKENIZER(*pair)["input_ids"]
    reading = ModelInput(found_tokenizer(), beside)
    (refused,) = read(reading, [LONG], [Asked(None, None, second)], STRIDE)
    assert isinstance(refused, Unreadable)


def found_tokenizer() -> WindowTokenizer:
    return WindowTokenizer(TOKENIZER.backend_tokenizer.to_str(), LENGTH)


def test_read_question_of_all_records_goes_before_their_own():
    found = pieces(Beside.QUESTION, "The river", Asked("Anna", None), ("Prague",))
    assert found[0].encoding.ids == TOKENIZER("Prague", "The river")["input_ids"]


@pytest.mark.parametrize(
    ("beside", "asked", "error"),
    [
        (Beside.QUESTION, Asked(None, None), "NoQuestion"),
        (Beside.QUESTION, Asked(LONG, None), "QuestionTooLong"),
        (Beside.CHOICES, Asked("Why?", None), "NoChoices"),
        (Beside.SECOND_AFTER, Asked(None, None), "NoSecondText"),
        (Beside.SECOND_BEFORE, Asked(None, None, LONG), "SecondTextTooLong"),
        (Beside.CHOICES, Asked("Why?", ["a", LONG]), "QuestionTooLong"),
    ],
)
def test_read_record_that_cannot_be_read_says_why_and_costs_no_other(beside, asked, error):
    definition = TOKENIZER.backend_tokenizer.to_str()
    reading = ModelInput(WindowTokenizer(definition, LENGTH), beside)
    good = Asked("Anna", ["a", "b"], "Anna")
    first, second, third = read(reading, ["The river"] * 3, [good, asked, good], STRIDE)
    assert isinstance(second, Unreadable)
    assert second.error_type == error
    assert LONG not in second.message
    assert [piece.encoding.ids for piece in first] == [piece.encoding.ids for piece in third]
