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


SECONDS = (*SENTENCES[1:], "who?")


@torch.inference_mode()
def of_pairs(checkpoint: Checkpoint, pairs: list[tuple[str, str]], codes: list[str]) -> list[float]:
    """Transformers' values of a batch of pairs of mixed languages."""
    model = XmodForSequenceClassification.from_pretrained(checkpoint.folder).eval()
    lang_ids = torch.tensor([checkpoint.languages.index(code) for code in codes])
    inputs = checkpoint.tokenizer(*map(list, zip(*pairs, strict=True)), padding=True)
    tensors = {name: torch.tensor(inputs[name]) for name in ("input_ids", "attention_mask")}
    return model(**tensors, lang_ids=lang_ids).logits[:, 0].tolist()


@pytest.mark.parametrize("order", [None, "text_first", "second_first"])
@pytest.mark.parametrize("fixed", [None, "nobody knows why"])
def test_regression_of_pairs_equals_transformers_for_a_batch_of_languages(reranker, order, fixed):
    found = annotated(
        settings(reranker, pair=order, second_text=fixed),
        reranker,
        SENTENCES,
        CODES,
        seconds=SECONDS,
    )
    seconds = [fixed] * len(SENTENCES) if fixed else SECONDS
    pairs = list(zip(SENTENCES, seconds, strict=True))
    if order == "second_first":
        pairs = [(second, text) for text, second in pairs]
    expected = of_pairs(reranker, pairs, list(CODES))
    assert found["mood"].to_pylist() == pytest.approx(expected, abs=1e-5)
    alone = [len(reranker.tokenizer(text)["input_ids"]) - 2 for text in SENTENCES]
    assert found["n_tokens"].to_pylist() == alone


def test_regression_with_pair_none_reads_the_text_alone(reranker):
    alone = annotated(settings(reranker), reranker, SENTENCES, CODES)
    found = annotated(settings(reranker, pair="none"), reranker, SENTENCES, CODES, seconds=SECONDS)
    assert found["mood"].to_pylist() == alone["mood"].to_pylist()


@pytest.mark.parametrize("order", ["text_first", "second_first"])
def test_regression_of_a_long_text_has_the_second_one_whole_in_each_window(reranker, order):
    """The mean of transformers' values of the windows that its own tokenizer cuts."""
    text, second = " ".join(SENTENCES[:2] * 4), "nobody knows why"
    found = annotated(
        settings(reranker, pair=order), reranker, [text], seconds=[second], runtime=LONG
    )
    pair = (text, second) if order == "text_first" else (second, text)
    cut = reranker.tokenizer(
        *pair,
        truncation="only_first" if order == "text_first" else "only_second",
        max_length=LONG["max_length"],
        stride=LONG["stride"],
        return_overflowing_tokens=True,
    )["input_ids"]
    assert len(cut) > 2
    model = XmodForSequenceClassification.from_pretrained(reranker.folder).eval()
    with torch.inference_mode():
        values = [model(torch.tensor([ids])).logits.item() for ids in cut]
    expected = np.average(values, weights=[len(ids) for ids in cut])
    assert found["mood"].to_pylist() == pytest.approx([expected], abs=1e-5)


LONG = {"max_length": 64, "stride": 8}


def test_regression_of_pairs_record_without_a_second_text_goes_to_quarantine_alone(reranker):
    texts, seconds = SENTENCES[:3], [None, "why?", ""]
    found = annotated(settings(reranker), reranker, texts, seconds=seconds)
    failed, *others = found["_error"].to_pylist()
    assert (failed["stage"], failed["error_type"]) == ("tokenize", "NoSecondText")
    assert others == [None, None]
    expected = of_pairs(reranker, list(zip(texts, ["", *seconds[1:]], strict=True)), ["en_XX"] * 3)
    assert found["mood"].to_pylist() == [
        None,
        *(pytest.approx(one, abs=1e-5) for one in expected[1:]),
    ]


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
