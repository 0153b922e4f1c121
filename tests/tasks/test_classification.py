"""One label a record."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import TextClassificationPipeline
from transformers.models.xmod.modeling_xmod import XmodForSequenceClassification

from pipeline.config import ClassificationSettings, ModelSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.classification import ClassificationTask
from pipeline.tasks.task import Document
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.documents import make_document, packed_of, windows_of
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


def make_task(checkpoint: Checkpoint, **options: object) -> ClassificationTask:
    model = ModelSettings(path=str(checkpoint.folder))
    settings = ClassificationSettings(type="classification", name="topic", model=model, **options)
    return ClassificationTask(settings, checkpoint)


ONE_OF_TAGS = {"multi_label": False}


@pytest.mark.parametrize(("kind", "options"), [("topic", {}), ("tags", ONE_OF_TAGS)])
def test_classification_equals_the_transformers_pipeline(kind, options, request):
    checkpoint = request.getfixturevalue(kind)
    model = XmodForSequenceClassification.from_pretrained(checkpoint.folder).eval()
    reference = TextClassificationPipeline(model=model, tokenizer=checkpoint.tokenizer, top_k=None)
    task = make_task(checkpoint, probs=True, **options)
    for text in SENTENCES:
        expected = {answer["label"]: answer["score"] for answer in reference([text])[0]}
        document = make_document(checkpoint.tokenizer, text)
        ids = torch.tensor(document.windows[0].ids).unsqueeze(0)
        with torch.inference_mode():
            hidden = model.roberta(ids).last_hidden_state
            scores = task.score(model, hidden[0], packed_of(ids.shape[1])).numpy()
        label, score, probabilities = task.decode(document, list(scores))
        np.testing.assert_allclose(
            probabilities, [expected[name] for name in checkpoint.labels], atol=1e-5
        )
        assert label == max(expected, key=expected.__getitem__)
        assert score == pytest.approx(expected[label], abs=1e-5)
        assert (abs(sum(probabilities) - 1) < 1e-5) == (kind == "topic")


def test_classification_windows_are_averaged_by_their_tokens(topic):
    document = Document("", windows_of(30, 10), stride=4)
    scores = [np.float32([0.5, 0.3, 0.2]), np.float32([0.0, 0.9, 0.1])]
    label, score, probabilities = make_task(topic, probs=True).decode(document, scores)
    assert (label, score) == ("politics", pytest.approx(0.45))
    assert probabilities == pytest.approx([0.375, 0.45, 0.175])


def test_classification_fields_bear_the_name_and_probs_if_asked_for(topic):
    names = ["topic_label", "topic_score", "topic_probs"]
    assert [field.name for field in make_task(topic).fields] == names[:2]
    assert [field.name for field in make_task(topic, probs=True).fields] == names
    scores = [np.float32([0.5, 0.3, 0.2])]
    assert len(make_task(topic).decode(Document("", windows_of(3), 0), scores)) == 2


def with_config(checkpoint: Checkpoint, **changes: object) -> Checkpoint:
    """``checkpoint`` with another config."""
    config = type(checkpoint.config).from_dict({**checkpoint.config.to_dict(), **changes})
    return replace(checkpoint, config=config)


@pytest.mark.parametrize(
    "changes",
    [
        {"id2label": {0: "LABEL_0"}},
        {"problem_type": "regression"},
        {"problem_type": "regression", "id2label": {0: "valence"}},
    ],
)
def test_classification_by_a_regression_is_refused_and_the_task_to_use_is_named(topic, changes):
    with pytest.raises(CheckpointError, match="set the task's type to regression") as caught:
        make_task(with_config(topic, **changes))
    one = len(changes.get("id2label", topic.labels)) < 2
    needed = "at least 2 labels" if one else "probabilities of labels"
    assert f"task 'topic' needs {needed}" in str(caught.value)
    assert str(changes.get("problem_type")) in str(caught.value)


def test_classification_of_several_labels_equals_the_transformers_pipeline(tags):
    """In each record's own language, by both stages."""
    model = XmodForSequenceClassification.from_pretrained(tags.folder).eval()
    reference = TextClassificationPipeline(model=model, tokenizer=tags.tokenizer, top_k=None)
    answers = []
    for text, code in zip(SENTENCES, CODES, strict=True):
        model.set_default_language(code)
        answers.append(reference([text])[0])  # the most probable first
    ranked = sorted(answer["score"] for found in answers for answer in found)
    threshold = (ranked[10] + ranked[11]) / 2  # of 21
    path = ModelSettings(path=str(tags.folder))
    values = {"type": "classification", "name": "topic", "probs": True, "threshold": threshold}
    settings = ClassificationSettings(model=path, **values)
    rows = annotated(settings, tags, SENTENCES, CODES).to_pylist()
    for expected, row in zip(answers, rows, strict=True):
        kept = [answer for answer in expected if answer["score"] >= threshold]
        assert row["topic_labels"] == [answer["label"] for answer in kept]
        scores = [answer["score"] for answer in kept]
        assert row["topic_scores"] == pytest.approx(scores, abs=1e-5)
        probs = dict(zip(tags.labels, row["topic_probs"], strict=True))
        wanted = {answer["label"]: answer["score"] for answer in expected}
        assert probs == pytest.approx(wanted, abs=1e-5)
    assert sum(len(row["topic_labels"]) for row in rows) == 10


@pytest.mark.parametrize(
    ("threshold", "labels", "scores"),
    [
        (0.5, ["science", "politics"], [0.9, 0.5]),
        (0.95, [], []),
        (0.0, ["science", "politics", "sports"], [0.9, 0.5, 0.2]),
    ],
)
def test_classification_labels_are_those_of_at_least_the_threshold(tags, threshold, labels, scores):
    document, probabilities = Document("", windows_of(9), 0), [np.float32([0.2, 0.5, 0.9])]
    found = make_task(tags, threshold=threshold).decode(document, probabilities)
    assert found == (labels, pytest.approx(scores))


def test_classification_fields_of_several_labels_are_lists(tags):
    strings, numbers = pa.list_(pa.string()), pa.list_(pa.float32())
    fields = {"topic_labels": strings, "topic_scores": numbers, "topic_probs": numbers}
    assert {one.name: one.type for one in make_task(tags, probs=True).fields} == fields
    assert [one.name for one in make_task(tags).fields] == list(fields)[:2]
    single = make_task(tags, multi_label=False)
    assert [one.name for one in single.fields] == ["topic_label", "topic_score"]


def test_classification_of_several_labels_may_be_the_tasks_wish_where_the_config_is_silent(topic):
    several = make_task(topic, multi_label=True, threshold=0.0)
    assert [one.name for one in several.fields] == ["topic_labels", "topic_scores"]
    hidden = torch.rand(4, 32)
    model = XmodForSequenceClassification.from_pretrained(topic.folder).eval()
    with torch.inference_mode():
        found = several.score(model, hidden, packed_of(4))
        expected = model.classifier(hidden[None, :1]).sigmoid()
    torch.testing.assert_close(found, expected)


def test_classification_of_several_labels_takes_a_checkpoint_with_one(tags):
    one = with_config(tags, id2label={0: "toxic"})
    assert make_task(one).decode(Document("", windows_of(9), 0), [np.float32([0.7])]) == (
        ["toxic"],
        pytest.approx([0.7]),
    )


def test_classification_of_several_labels_by_a_checkpoint_of_one_is_refused(topic):
    single = with_config(topic, problem_type="single_label_classification")
    with pytest.raises(CheckpointError, match="has multi_label: true"):
        make_task(single, multi_label=True)


def test_classification_of_pairs_equals_transformers(topic):
    """As for natural language inference: a premise in any language, and its hypothesis."""
    model = XmodForSequenceClassification.from_pretrained(topic.folder).eval()
    path, hypothesis = ModelSettings(path=str(topic.folder)), "nobody knows why"
    values = {"type": "classification", "name": "topic", "probs": True, "second_text": hypothesis}
    settings = ClassificationSettings(model=path, **values)
    rows = annotated(settings, topic, SENTENCES, CODES).to_pylist()
    for text, code, row in zip(SENTENCES, CODES, rows, strict=True):
        model.set_default_language(code)
        with torch.inference_mode():
            logits = model(**topic.tokenizer(text, hypothesis, return_tensors="pt")).logits[0]
        expected = logits.softmax(-1)
        np.testing.assert_allclose(row["topic_probs"], expected, atol=1e-5)
        assert row["topic_label"] == topic.labels[int(expected.argmax())]


@pytest.mark.parametrize(("kind", "options"), [("topic", {}), ("tags", ONE_OF_TAGS)])
def test_classification_threshold_without_a_use_is_refused(kind, options, request):
    with pytest.raises(CheckpointError, match=r"its threshold 0\.7 has no use"):
        make_task(request.getfixturevalue(kind), threshold=0.7, **options)


@pytest.mark.parametrize("temperature", [2.5, 0.4])
@pytest.mark.parametrize("kind", ["topic", "tags"])
def test_classification_temperature_divides_the_logits_and_changes_no_label(
    kind, temperature, request
):
    plain = request.getfixturevalue(kind)
    model = XmodForSequenceClassification.from_pretrained(plain.folder).eval()
    task = make_task(with_config(plain, calibration_temperature=temperature))
    hidden, document = torch.rand(4, 32), Document("", windows_of(4), 0)
    with torch.inference_mode():
        logits = model.classifier(hidden[None, :1]) / temperature
        scores, before = (
            one.score(model, hidden, packed_of(4)) for one in (task, make_task(plain))
        )
    expected = logits.sigmoid() if kind == "tags" else logits.softmax(-1)
    torch.testing.assert_close(scores, expected)
    assert not torch.allclose(scores, before, atol=1e-3)
    labels = [task.decode(document, list(one.numpy()))[0] for one in (scores, before)]
    assert labels[0] == labels[1]
