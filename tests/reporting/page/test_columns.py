"""Which columns of an output the page can show."""

import pyarrow as pa
import pytest

from pipeline.contract import schema
from pipeline.reporting.page.columns import Columns, columns_of, task_of
from pipeline.reporting.page.output import read_output
from pipeline.storage import Store
from tests.helpers.finished import ECHO, LABEL, SCORE, finish


def known(store: Store, **output: object) -> Columns:
    return columns_of(read_output(finish(store, rows=2, **output)))


def reading(**settings: object) -> dict[str, object]:
    return {**ECHO, "input": {**ECHO["input"], **settings}}


def test_columns_of_every_task_are_known(local_store: Store):
    answers = pa.field("who_answers", pa.list_(schema.ANSWER))
    tags = pa.field("tags_labels", pa.list_(pa.string()))
    scores = pa.field("tags_scores", pa.list_(pa.float32()))
    choice, likely = pa.field("best_choice", pa.int32()), pa.field("perplexity", pa.float32())
    continuation = pa.field("continuation", pa.string())
    tasks = {
        LABEL: ["a", "b"],
        SCORE: [0.5, 0.5],
        answers: [[], []],
        tags: [[], ["b", "c"]],
        scores: [[], [0.75, 0.5]],
        choice: [0, 1],
        likely: [1.0, 2.0],
        continuation: ["c", "d"],
    }
    found = known(local_store, tasks=tasks)
    assert [field.name for field in (*found.labels, *found.answers)] == [
        "topic_label",
        "tags_labels",
        "best_choice",
        "who_answers",
    ]
    assert [field.name for field in found.scores] == ["tags_scores"]
    assert [field.name for field in found.numbers] == ["topic_score", "perplexity"]
    assert (found.text.name, found.entities.name) == ("text", "entities")
    assert (found.embedding.name, found.continuation.name) == ("embedding", "continuation")


def test_columns_that_are_not_there_are_none(local_store: Store):
    found = known(local_store, without=["text", "entities", "embedding"])
    assert found == Columns()


def test_columns_of_the_input_are_not_taken_for_those_of_a_task(local_store: Store):
    found = known(local_store, without=["entities"], text=["label", "entities"])
    assert found.labels == ()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"text_column": "text"}, "text"),
        ({"text_column": "body"}, None),
        ({"text_column": "text", "keep_columns": ["text"]}, "text"),
        ({"text_column": "text", "keep_columns": ["id"]}, None),
        ({}, "text"),
    ],
)
def test_columns_have_the_text_if_it_was_kept(local_store: Store, settings, expected):
    found = known(local_store, echo=reading(**settings))
    assert (found.text and found.text.name) == expected


def test_columns_of_another_type_are_unknown(local_store: Store):
    wrong = {
        pa.field("topic_label", pa.int64()): [1, 2],
        pa.field("who_answers", pa.string()): ["", ""],
    }
    found = known(local_store, tasks=wrong)
    assert (found.labels, found.answers) == ((), ())


def test_task_of_a_column_is_what_it_begins_with():
    assert [task_of(name) for name in ("topic_label", "best_choice", "who_answers")] == [
        "topic",
        "best",
        "who",
    ]
