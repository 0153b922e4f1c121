"""One vector a record."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import EmbeddingsSettings, ModelSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.embeddings import EmbeddingsTask
from pipeline.tasks.task import Document
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.heads import require_head
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.documents import make_document, packed_of, windows_of
from tests.helpers.stages import annotated


def make_task(checkpoint: Checkpoint, **options: object) -> EmbeddingsTask:
    model = ModelSettings(path=str(checkpoint.folder))
    return EmbeddingsTask(EmbeddingsSettings(type="embeddings", model=model, **options), checkpoint)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_embeddings_equal_the_plain_encoder(ner, pooling, normalize):
    model = XmodModel.from_pretrained(ner.folder, add_pooling_layer=False).eval()
    task = make_task(ner, pooling=pooling, normalize=normalize)
    for text in SENTENCES:
        document = make_document(ner.tokenizer, text)
        ids = torch.tensor(document.windows[0].ids).unsqueeze(0)
        with torch.inference_mode():
            hidden = model(ids).last_hidden_state
            scores = task.score(None, hidden[0], packed_of(ids.shape[1]))
            (vector,) = task.decode(document, list(scores))
        expected = hidden[0].mean(0) if pooling == "mean" else hidden[0, 0]
        if normalize:
            expected = torch.nn.functional.normalize(expected, dim=0)
        np.testing.assert_allclose(vector, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("mean", [[3.0, 3.0], [3.0, 4.0]]), ("cls", [[1.0, 2.0], [2.0, 0.0]])],
)
def test_embeddings_pooling_equals_the_value_by_hand(ner, pooling, expected):
    hidden = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 1.0], [2.0, 0.0], [4.0, 8.0]])
    assert make_task(ner, pooling=pooling).score(None, hidden, packed_of(3, 2)).tolist() == expected


def test_embeddings_windows_are_averaged_by_their_tokens_then_normalised(ner):
    document = Document("", windows_of(30, 10), stride=4)
    scores = [np.float32([4.0, 0.0]), np.float32([0.0, 16.0])]
    (vector,) = make_task(ner, normalize=False).decode(document, scores)
    assert vector.tolist() == [3.0, 4.0]
    (vector,) = make_task(ner).decode(document, scores)
    assert vector.tolist() == pytest.approx([0.6, 0.8])


def test_embeddings_zero_vector_stays_zero(ner):
    (vector,) = make_task(ner).decode(Document("", windows_of(2), 0), [np.zeros(32, np.float32)])
    assert not vector.any()


def test_embeddings_of_a_half_precision_forward_are_pooled_in_float32(ner):
    hidden = torch.rand(500, 32, dtype=torch.bfloat16) + 1
    (pooled,) = make_task(ner).score(None, hidden, packed_of(500))
    torch.testing.assert_close(pooled, hidden.float().mean(0), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "expected"), [("float32", pa.float32()), ("float16", pa.float16())]
)
def test_embeddings_field_has_the_configured_precision(ner, dtype, expected):
    task = make_task(ner, dtype=dtype)
    assert task.fields == (pa.field("embedding", pa.list_(expected, 32)),)
    (vector,) = task.decode(Document("", windows_of(3), 0), [np.ones(32, np.float32)])
    assert vector.dtype == dtype


def test_embeddings_by_the_pooler_equal_transformers(chooser):
    """Heads for multiple choice have trained one."""
    model = ModelSettings(path=str(chooser.folder))
    settings = EmbeddingsSettings(type="embeddings", model=model, pooling="pooler", normalize=False)
    table = annotated(settings, chooser, SENTENCES, ["de_DE"] * len(SENTENCES))
    plain = XmodModel.from_pretrained(chooser.folder).eval()
    plain.set_default_language("de_DE")
    for text, vector in zip(SENTENCES, table["embedding"].to_pylist(), strict=True):
        ids = chooser.tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            expected = plain(ids).pooler_output[0]
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_embeddings_by_a_pooler_that_is_not_there_are_refused(ner):
    """A random one would give vectors that mean nothing."""
    model = ModelSettings(path=str(ner.folder))
    settings = EmbeddingsSettings(type="embeddings", model=model, pooling="pooler")
    with pytest.raises(CheckpointError, match=r"pooler\.dense"):
        require_head(ner, EmbeddingsTask(settings, ner).architecture)
