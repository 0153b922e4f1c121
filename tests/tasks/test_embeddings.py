"""One vector a record."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import EmbeddingsSettings, ModelSettings
from pipeline.errors import CheckpointError, ConfigError
from pipeline.tasks.embeddings import EmbeddingsTask
from pipeline.tasks.task import Document
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.heads import require_head
from tests.helpers.checkpoints import (
    SENTENCES,
    open_folder,
    save_checkpoint,
    save_sentence_files,
)
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
    [
        ("mean", [[3.0, 3.0], [3.0, 4.0]]),
        ("cls", [[1.0, 2.0], [2.0, 0.0]]),
        ("lasttoken", [[5.0, 1.0], [4.0, 8.0]]),
        ("max", [[5.0, 6.0], [4.0, 8.0]]),
        ("mean_sqrt_len_tokens", [[9 / 3**0.5, 9 / 3**0.5], [6 / 2**0.5, 8 / 2**0.5]]),
    ],
)
def test_embeddings_pooling_equals_the_value_by_hand(ner, pooling, expected):
    hidden = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 1.0], [2.0, 0.0], [4.0, 8.0]])
    found = make_task(ner, pooling=pooling).score(None, hidden, packed_of(3, 2))
    torch.testing.assert_close(found, torch.tensor(expected))


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


CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")
POOLED = {
    "cls": lambda hidden: hidden[0],
    "mean": lambda hidden: hidden.mean(0),
    "max": lambda hidden: hidden.max(0).values,
    "mean_sqrt_len_tokens": lambda hidden: hidden.sum(0) / len(hidden) ** 0.5,
    "lasttoken": lambda hidden: hidden[-1],
}
PROMPTS = {
    "prompts": {"query": "query: ", "passage": "passage: "},
    "default_prompt_name": "passage",
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("encoder"), XmodModel)


def sentences(encoder: Path, folder: Path, *arguments: object, **files: object) -> Checkpoint:
    """The encoder with files of sentence-transformers beside it."""
    for path in encoder.iterdir():
        (folder / path.name).symlink_to(path)
    return open_folder(save_sentence_files(folder, *arguments, **files))


def settings_of(checkpoint: Checkpoint, **options: object) -> EmbeddingsSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return EmbeddingsSettings(type="embeddings", model=model, **options)


@torch.inference_mode()
def by_hand(checkpoint: Checkpoint, text: str, code: str, mode: str, *, unit: bool) -> torch.Tensor:
    """As sentence-transformers 6.2, of which this was checked once (differences below 1e-6)."""
    model = XmodModel.from_pretrained(checkpoint.folder, add_pooling_layer=False).eval()
    model.set_default_language(code)
    hidden = model(**checkpoint.tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    vector = POOLED[mode](hidden)
    return torch.nn.functional.normalize(vector, dim=0) if unit else vector


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("mode", POOLED)
def test_embeddings_follow_the_files_of_sentence_transformers(encoder, tmp_path, mode, unit):
    kinds = ("Transformer", "Pooling", *(["Normalize"] if unit else []))
    files = {"kinds": kinds, "config_sentence_transformers": PROMPTS}
    checkpoint = sentences(encoder, tmp_path, {"pooling_mode": mode}, **files)
    found = annotated(settings_of(checkpoint), checkpoint, SENTENCES, CODES)
    for text, code, vector in zip(SENTENCES, CODES, found["embedding"].to_pylist(), strict=True):
        expected = by_hand(checkpoint, f"passage: {text}", code, mode, unit=unit)
        np.testing.assert_allclose(vector, expected, atol=2e-6)


@pytest.mark.parametrize("prefix", ["query: ", ""])
def test_embeddings_settings_go_before_the_files(encoder, tmp_path, prefix):
    files = {"kinds": ("Transformer", "Pooling", "Dense"), "config_sentence_transformers": PROMPTS}
    checkpoint = sentences(encoder, tmp_path, {"pooling_mode": "weightedmean"}, **files)
    settings = settings_of(checkpoint, pooling="cls", normalize=True, prefix=prefix)
    found = annotated(settings, checkpoint, SENTENCES[:2])["embedding"].to_pylist()
    for text, vector in zip(SENTENCES[:2], found, strict=True):
        expected = by_hand(checkpoint, prefix + text, "en_XX", "cls", unit=True)
        np.testing.assert_allclose(vector, expected, atol=2e-6)


def test_embeddings_of_modules_that_are_not_there_are_refused(encoder, tmp_path):
    kinds = ("Transformer", "Pooling", "Dense", "Normalize")
    checkpoint = sentences(encoder, tmp_path, {"pooling_mode": "mean"}, kinds=kinds)
    with pytest.raises(CheckpointError, match="the module Dense"):
        make_task(checkpoint)


def test_embeddings_without_the_vectors_of_a_prefix_are_refused(encoder, tmp_path):
    pooling = {"pooling_mode": "mean", "include_prompt": False}
    checkpoint = sentences(encoder, tmp_path, pooling, config_sentence_transformers=PROMPTS)
    with pytest.raises(CheckpointError, match="include_prompt false"):
        make_task(checkpoint)
    make_task(checkpoint, prefix="")
    make_task(checkpoint, pooling="mean")


def test_embeddings_of_a_long_text_have_the_prefix_in_each_window(encoder, tmp_path):
    """``max_seq_length`` bounds the window; the counts are of the text alone."""
    lengths = {"max_seq_length": 64}
    checkpoint = sentences(
        encoder, tmp_path, {"pooling_mode": "mean"}, sentence_bert_config=lengths
    )
    text, prefix = " ".join(SENTENCES[:2] * 3), "query: "
    settings = settings_of(checkpoint, prefix=prefix, normalize=False)
    (row,) = annotated(settings, checkpoint, [text], runtime={"stride": 8}).to_pylist()
    own = checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"]
    before = checkpoint.tokenizer(prefix, add_special_tokens=False)["input_ids"]
    assert row["n_tokens"] == len(own)
    room = 64 - 2 - len(before)
    starts = range(0, len(own) - 8, room - 8)
    windows = [[0, *before, *own[start : start + room], 2] for start in starts]
    assert len(windows) > 2
    model = XmodModel.from_pretrained(checkpoint.folder, add_pooling_layer=False).eval()
    with torch.inference_mode():
        means = [model(torch.tensor([ids])).last_hidden_state[0].mean(0) for ids in windows]
    expected = np.average(np.stack(means), axis=0, weights=[len(ids) for ids in windows])
    np.testing.assert_allclose(row["embedding"], expected, atol=2e-6)


def test_embeddings_prefix_that_leaves_no_room_is_refused_before_any_text(encoder, tmp_path):
    checkpoint = sentences(encoder, tmp_path, {"pooling_mode": "mean"})
    settings = settings_of(checkpoint, prefix=f"{SENTENCES[0]} ")
    with pytest.raises(ConfigError, match=r"tokens; expected at most 11, so that half of a window"):
        annotated(settings, checkpoint, ["a"], runtime={"max_length": 32, "stride": 8})
