"""One label a record."""

import numpy as np
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


def make_task(checkpoint: Checkpoint, **options: object) -> ClassificationTask:
    model = ModelSettings(path=str(checkpoint.folder))
    settings = ClassificationSettings(type="classification", name="topic", model=model, **options)
    return ClassificationTask(settings, checkpoint)


@pytest.mark.parametrize("kind", ["topic", "tags"])
def test_classification_equals_the_transformers_pipeline(kind, request):
    checkpoint = request.getfixturevalue(kind)
    model = XmodForSequenceClassification.from_pretrained(checkpoint.folder).eval()
    reference = TextClassificationPipeline(model=model, tokenizer=checkpoint.tokenizer, top_k=None)
    task = make_task(checkpoint, probs=True)
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


def test_classification_with_one_label_is_refused(topic):
    topic.config.id2label, before = {0: "LABEL_0"}, topic.config.id2label
    try:
        with pytest.raises(CheckpointError, match=r"1 label\(s\); task 'topic' needs at least 2"):
            make_task(topic)
    finally:
        topic.config.id2label = before
