"""Outputs of a head as numbers."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodForSequenceClassification

from pipeline.config import ModelSettings, RegressionSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.regression import RegressionTask, column_names
from pipeline.tasks.task import Document
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.documents import windows_of
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


def settings(checkpoint: Checkpoint, **options: object) -> RegressionSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return RegressionSettings(type="regression", name="mood", model=model, **options)


@torch.inference_mode()
def by_transformers(checkpoint: Checkpoint, text: str, code: str) -> list[float]:
    model = XmodForSequenceClassification.from_pretrained(checkpoint.folder).eval()
    model.set_default_language(code)
    return model(**checkpoint.tokenizer(text, return_tensors="pt")).logits[0].tolist()


@pytest.mark.parametrize(
    ("kind", "columns"),
    [("grades", ["mood_valence", "mood_arousal"]), ("reranker", ["mood"])],
)
def test_regression_equals_transformers_in_each_records_language(kind, columns, request):
    checkpoint = request.getfixturevalue(kind)
    rows = annotated(settings(checkpoint), checkpoint, SENTENCES, CODES).to_pylist()
    for text, code, row in zip(SENTENCES, CODES, rows, strict=True):
        expected = by_transformers(checkpoint, text, code)
        assert [row[name] for name in columns] == pytest.approx(expected, abs=1e-5)
    assert len({round(row[columns[0]], 4) for row in rows}) == len(rows)


def test_regression_sigmoid_maps_each_value(reranker):
    rows = annotated(settings(reranker, sigmoid=True), reranker, SENTENCES[:2]).to_pylist()
    for text, row in zip(SENTENCES[:2], rows, strict=True):
        (expected,) = by_transformers(reranker, text, "en_XX")
        assert row["mood"] == pytest.approx(1 / (1 + np.exp(-expected)), abs=1e-5)


def test_regression_windows_are_averaged_by_their_tokens(grades):
    task = RegressionTask(settings(grades), grades)
    scores = [np.float32([4.0, -2.0]), np.float32([0.0, 6.0])]
    found = task.decode(Document("", windows_of(30, 10), stride=4), scores)
    assert found == pytest.approx((3.0, 0.0))


def test_regression_fields_are_float32_and_one_an_output(grades, reranker):
    for checkpoint, names in ((grades, ["mood_valence", "mood_arousal"]), (reranker, ["mood"])):
        fields = RegressionTask(settings(checkpoint), checkpoint).fields
        assert list(fields) == [pa.field(name, pa.float32()) for name in names]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["LABEL_0"], ["mood"]),
        (["a", "b"], ["mood_a", "mood_b"]),
        (["5 stars", "v1.2"], ["mood_5_stars", "mood_v1_2"]),
        (["Wärme", "快乐"], ["mood_Wärme", "mood_快乐"]),
    ],
)
def test_column_names_are_words(labels, expected):
    assert column_names("mood", labels) == expected


def with_config(checkpoint: Checkpoint, **changes: object) -> Checkpoint:
    """``checkpoint`` with another config."""
    config = type(checkpoint.config).from_dict({**checkpoint.config.to_dict(), **changes})
    return replace(checkpoint, config=config)


@pytest.mark.parametrize("kind", ["single_label_classification", "multi_label_classification"])
def test_regression_by_a_classifier_is_refused_and_the_task_to_use_is_named(grades, kind):
    classifier = with_config(grades, problem_type=kind)
    with pytest.raises(CheckpointError, match="set the task's type to classification") as caught:
        RegressionTask(settings(classifier), classifier)
    assert kind in str(caught.value)


@pytest.mark.parametrize("labels", [{0: "LABEL_0"}, {0: "a", 1: "b"}])
def test_regression_takes_a_head_whose_config_says_nothing(grades, labels):
    silent = with_config(grades, problem_type=None, id2label=labels)
    assert len(RegressionTask(settings(silent), silent).fields) == len(labels)
