"""Questions and answers: places of answers, and SQuAD's scores."""

import pyarrow as pa
import pytest

from pipeline.training.codec import Codec
from pipeline.training.heads.question_answering import (
    QUESTION_ANSWERING,
    agreement,
    answer_tokens,
    answer_words,
)


def row(text: str, answer: str, language: str = "de_DE") -> dict[str, object]:
    starts = [text.index(answer)] if answer else []
    return {
        "text": text,
        "question": "wo",
        "answers": {"text": [answer] if answer else [], "answer_start": starts},
        "language": language,
        "split": "train",
    }


@pytest.mark.parametrize(
    ("text", "answer", "language"),
    [("der fluss Bremen ist gross", "Bremen", "de_DE"), ("人们住在北京那里", "北京", "zh_CN")],
)
def test_encode_the_places_of_the_answer_are_the_answer(base, text, answer, language):
    codec = Codec.of(base)
    table = pa.Table.from_pylist([row(text, answer, language)])
    (example,) = QUESTION_ANSWERING.encode(table, codec)
    ids = example["input_ids"][example["start_positions"] : example["end_positions"] + 1]
    assert codec.tokenizer.decode(ids).strip() == answer


def test_encode_a_window_without_the_answer_learns_that_there_is_none(base):
    codec = Codec.of(base)
    table = pa.Table.from_pylist([row("Bremen " + "der fluss ist gross und alt " * 12, "Bremen")])
    examples = QUESTION_ANSWERING.encode(table, codec)
    assert len(examples) > 1
    assert examples[0]["start_positions"] > 0
    assert all(example["start_positions"] == 0 for example in examples[1:])
    assert all(len(example["input_ids"]) <= 32 for example in examples)


def test_answer_tokens_of_an_answer_that_is_cut_are_none():
    spans = [(0, 0), (0, 3), (4, 8), (0, 0)]
    cut = {"answers": {"text": ["abc defgh ijk"], "answer_start": [4]}}
    assert answer_tokens(spans, cut) == (0, 0)
    whole = {"answers": {"text": ["defg"], "answer_start": [4]}}
    assert answer_tokens(spans, whole) == (2, 2)
    assert answer_tokens(spans, {"answers": {"text": [], "answer_start": []}}) == (0, 0)


@pytest.mark.parametrize(
    ("gold", "answer", "language", "exact", "overlap"),
    [
        (["the Rhine"], "Rhine!", "en_XX", 1.0, 1.0),
        (["the U.S."], "US", "en_XX", 1.0, 1.0),
        (["well-known"], "known", "en_XX", 0.0, 0.0),
        (["die Elbe"], "Elbe", "de_DE", 0.0, 2 / 3),
        (["1990", "im Jahr 1990"], "Jahr 1990", "de_DE", 0.0, 0.8),
        (["北京市"], "北京", "zh_CN", 0.0, 0.8),
        ([""], "", "en_XX", 1.0, 1.0),
        ([""], "Rhine", "en_XX", 0.0, 0.0),
    ],
)
def test_agreement_is_squads(gold, answer, language, exact, overlap):
    assert agreement(gold, answer, language) == (exact, pytest.approx(overlap))


def test_answer_words_keep_marks_that_belong_to_letters():
    assert answer_words("हिन्दी में", "hi_IN") == ["हिन्दी", "में"]
