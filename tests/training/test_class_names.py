"""Names of classes, as `datasets` of Hugging Face keeps them in Parquet."""

import json

import pyarrow as pa
import pytest

from pipeline.training.class_names import with_class_names

LABEL = {"names": ["sport", "politics"], "_type": "ClassLabel"}
TAG = {"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"}
OWN = {name: name for name in ("text", "label", "tags", "choices")}


def metadata(**features: object) -> dict[bytes, bytes]:
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def test_class_names_of_labels_and_null_for_none():
    table = pa.table({"text": ["a", "b", "c", "d"], "label": [1, 0, -1, None]})
    named = with_class_names(table, metadata(text={"dtype": "string"}, label=LABEL), OWN)
    assert named["label"].to_pylist() == ["politics", "sport", None, None]
    assert named.column_names == ["text", "label"]


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": TAG, "_type": "Sequence"},
        {"feature": TAG, "_type": "List", "length": -1},
        [TAG],
    ],
    ids=["Sequence", "List", "list"],
)
def test_class_names_of_tags_in_lists(feature):
    table = pa.table({"tags": [[0, 1, 2], [], [0]]})
    named = with_class_names(table, metadata(tags=feature), OWN)
    assert named["tags"].to_pylist() == [["O", "B-PER", "I-PER"], [], ["O"]]


def test_class_names_leave_the_place_of_a_choice():
    table = pa.table({"label": [1], "choices": [["a", "b"]]})
    assert with_class_names(table, metadata(label=LABEL), OWN) is table


@pytest.mark.parametrize(
    "known",
    [
        None,
        {},
        {b"huggingface": b"{"},
        {b"huggingface": b"[]"},
        {b"huggingface": b'{"info": {"features": []}}'},
        metadata(label={"_type": "Value", "names": ["a", "b"]}),
        metadata(label={"_type": "ClassLabel", "names": "ab"}),
        metadata(label={"_type": "ClassLabel", "names": [1, 2]}),
        metadata(label=None, other=LABEL),
    ],
)
def test_class_names_that_are_not_there_change_nothing(known):
    table = pa.table({"label": [1, 0]})
    assert with_class_names(table, known, OWN) is table


def test_class_names_of_a_column_that_the_file_calls_otherwise():
    table = pa.table({"label": [1, 0]})
    named = with_class_names(table, metadata(intent=LABEL), {"label": "intent"})
    assert named["label"].to_pylist() == ["politics", "sport"]
