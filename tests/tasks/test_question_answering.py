"""Stretches of texts that answer questions."""

import numpy as np
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodForQuestionAnswering

from pipeline.config import ModelSettings, QuestionAnsweringSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.question_answering import QuestionAnsweringTask
from pipeline.tasks.task import Document
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")
QUESTIONS = ("Who?", "Wo?", "谁?", "何?", "ที่", "राम", "Where does the river rise?")


def settings(checkpoint: Checkpoint, **options: object) -> QuestionAnsweringSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return QuestionAnsweringSettings(type="question_answering", name="qa", model=model, **options)


@torch.inference_mode()
def by_transformers(
    checkpoint: Checkpoint, question: str, text: str, code: str, most: int
) -> dict[tuple[int, int], float]:
    """Every span of at most ``most`` tokens with its probability."""
    model = XmodForQuestionAnswering.from_pretrained(checkpoint.folder).eval()
    model.set_default_language(code)
    inputs = checkpoint.tokenizer(question, text, return_tensors="pt", return_offsets_mapping=True)
    spans = inputs.pop("offset_mapping")[0].tolist()
    own = [sequence == 1 for sequence in inputs.sequence_ids(0)]
    shown = torch.tensor([place == 0 or one for place, one in enumerate(own)])
    outputs = model(**inputs)
    starts, ends = (
        logits[0].masked_fill(~shown, -torch.inf).softmax(-1).tolist()
        for logits in (outputs.start_logits, outputs.end_logits)
    )
    places = [place for place, one in enumerate(own) if one]
    return {
        (spans[first][0], spans[last][1]): starts[first] * ends[last]
        for first in places
        for last in places
        if first <= last < first + most
    }


def test_question_answering_equals_every_span_tried_with_transformers(answerer):
    options = {"n_best": 3, "max_answer_tokens": 6}
    table = annotated(
        settings(answerer, **options), answerer, SENTENCES, CODES, questions=QUESTIONS
    )
    for text, code, question, answers in zip(
        SENTENCES, CODES, QUESTIONS, table["qa_answers"].to_pylist(), strict=True
    ):
        expected = by_transformers(answerer, question, text, code, 6)
        best = sorted(expected.values(), reverse=True)
        assert 1 <= len(answers) <= 3
        assert answers[0]["score"] == pytest.approx(best[0], abs=1e-5)
        for answer in answers:
            assert answer["text"] == text[answer["start"] : answer["end"]] != ""


def test_question_answering_of_one_question_for_all_records(answerer):
    one = annotated(settings(answerer, question="Who?"), answerer, SENTENCES[:2])
    each = annotated(settings(answerer), answerer, SENTENCES[:2], questions=["Who?", "Who?"])
    assert one["qa_answers"].equals(each["qa_answers"])


def test_question_answering_record_without_a_question_goes_to_quarantine_alone(answerer):
    table = annotated(settings(answerer), answerer, SENTENCES[:2], questions=[None, "Who?"])
    first, second = table["_error"].to_pylist()
    assert (first["error_type"], second) == ("NoQuestion", None)


def test_question_answering_question_that_leaves_no_room_is_not_cut(answerer):
    questions = [" ".join(SENTENCES), "Who?"]
    table = annotated(settings(answerer), answerer, SENTENCES[:2], questions=questions)
    first, second = table["_error"].to_pylist()
    assert (first["error_type"], second) == ("QuestionTooLong", None)


def windows() -> tuple[Document, list[np.ndarray]]:
    """``<s> q </s></s> a b c </s>`` twice, over ``"a b c"``; the model is sure of ``b``."""
    starts, ends = np.array([[0, 0, 0, 0, 0, 2, 4, 0], [0, 0, 0, 0, 1, 3, 5, 0]], dtype=np.int32)
    window = Window(np.zeros(8, dtype=np.int32), starts, ends)
    logits = np.zeros((8, 2), dtype=np.float32)
    logits[5] = 5
    return Document("a b c", [window, window], stride=0), [logits, logits]


def test_question_answering_same_answer_of_two_windows_is_one(answerer):
    document, scores = windows()
    (answers,) = QuestionAnsweringTask(settings(answerer, n_best=2), answerer).decode(
        document, scores
    )
    assert answers[0]["text"] == "b"
    assert len({(answer["start"], answer["end"]) for answer in answers}) == len(answers) == 2


def test_question_answering_what_the_question_scores_does_not_count(answerer):
    document, scores = windows()
    task = QuestionAnsweringTask(settings(answerer), answerer)
    before = task.decode(document, scores)
    for logits in scores:
        logits[1:4] = 500
    assert task.decode(document, scores) == before


def test_question_answering_no_answer_wins_only_where_it_may(answerer):
    document, scores = windows()
    for logits in scores:
        logits[0] = 9
    found = [
        QuestionAnsweringTask(settings(answerer, no_answer=may), answerer).decode(document, scores)
        for may in (False, True)
    ]
    assert [len(answers) for (answers,) in found] == [1, 0]


def test_question_answering_min_score_leaves_unsure_answers_out(answerer):
    document, scores = windows()
    task = QuestionAnsweringTask(settings(answerer, n_best=3, min_score=0.5), answerer)
    (answers,) = task.decode(document, scores)
    assert [answer["text"] for answer in answers] == ["b"]


def test_question_answering_of_an_empty_text_has_no_answer(answerer):
    table = annotated(settings(answerer, question="Who?"), answerer, [""])
    assert table["qa_answers"].to_pylist() == [[]]


def test_question_answering_checkpoint_of_other_labels_is_refused(ner):
    with pytest.raises(CheckpointError, match="has 7 labels; task 'qa' needs two"):
        QuestionAnsweringTask(settings(ner), ner)


def test_question_answering_text_that_is_cut_beside_the_question_alone_is_truncated(answerer):
    text, question = " ".join(SENTENCES[:2]), "Anna Schmidt visited"
    length = len(answerer.tokenizer(text)["input_ids"])
    runtime = {"max_length": length, "max_windows": 1}
    table = annotated(
        settings(answerer), answerer, [text, "in Prague"], questions=[question] * 2, runtime=runtime
    )
    assert table["n_windows"].to_pylist() == [1, 1]
    assert table["truncated"].to_pylist() == [True, False]
