"""A grown X-MOD learns words, meanings and entities at once; one folder has its heads."""

from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn
from transformers import (
    XmodConfig,
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
)

from demo.encoder.assemble import assemble
from demo.training.growth import MixedBatches, grow
from demo.training.objectives import learnables, mean_as_taught, tag_words
from demo.training.settings import GrowthConfig, IdentifierConfig
from pipeline.config import ModelSettings, load
from pipeline.errors import CheckpointError, InputError
from pipeline.training.checkpoint import new_checkpoint, stored_weights, write_model
from pipeline.training.codec import Codec
from pipeline.training.labels import IGNORED
from pipeline.xmod.checkpoint import open_checkpoint
from tests.helpers.training_configs import OPTIMISATION

CONFIGS = Path(__file__).parents[2] / "demo" / "training"


@pytest.fixture(scope="module")
def taught(corpora, tmp_path_factory) -> Path:
    """Texts with vectors of 16 numbers."""
    texts = pq.read_table(corpora / "pretrain.parquet")
    vectors = np.random.default_rng(5).normal(size=(len(texts), 16)).astype(np.float16)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 16)
    path = tmp_path_factory.mktemp("taught") / "taught.parquet"
    pq.write_table(texts.append_column("vector", column), path)
    return path


@pytest.fixture
def growth(corpora, base, taught, tmp_path):
    """Makes the config of a short growth."""

    def make(**changes: object) -> GrowthConfig:
        some = {"batch_size": 4, "max_rows_per_language": 40}
        settings = {
            "start": base,
            "out": tmp_path / "grown",
            "objectives": {
                "masked_lm": {"data": corpora / "pretrain.parquet", "share": 0.3, **some},
                "meaning": {"data": taught, "share": 0.3, **some},
                "tags": {"data": corpora / "ner.parquet", "share": 0.4, **some},
            },
            "language_smoothing": 0.5,
            "mask_share": 0.15,
            "window": 32,
            "shared_from": 1,
            "adapters_from": 1,
            "shared_rate": 0.1,
            "max_steps": 12,
            "optimisation": OPTIMISATION,
        }
        return GrowthConfig.model_validate(settings | changes)

    return make


def test_configs_can_be_used():
    config = load(CONFIGS / "growth.yaml", [], GrowthConfig)
    shares = [one.share for _, one in config.objectives]
    assert sum(shares) == pytest.approx(1.0)
    load(CONFIGS / "identifier.yaml", [], IdentifierConfig)


def test_grow_leaves_what_is_below_as_it_was_and_one_encoder_for_both_heads(base, growth):
    config = growth()
    grow(config)
    before = stored_weights(base)
    masked, ner = (stored_weights(config.out / name) for name in ("base", "ner"))
    shared = {name for name in masked if name.startswith("roberta.")}
    assert all(torch.equal(masked[name], ner[name]) for name in shared)
    moved = {name for name in shared if not torch.equal(masked[name], before[name].float())}
    assert moved
    assert all(".layer.1." in name for name in moved)
    assert any("adapter_modules" in name for name in moved)
    assert any("query" in name for name in moved)
    XmodForMaskedLM.from_pretrained(config.out / "base")
    saved = XmodForTokenClassification.from_pretrained(config.out / "ner").config
    assert saved.calibration_temperature > 0
    assert list(saved.id2label.values()) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


def test_grow_goes_on_from_where_it_was_interrupted(growth, tmp_path):
    grow(growth(max_steps=6, runtime={"save_steps": 3}))
    saved = tmp_path / ".grown" / "checkpoint-6"
    assert saved.exists()
    grow(growth(max_steps=9, runtime={"save_steps": 3}))
    assert (tmp_path / ".grown" / "checkpoint-9").exists()


def test_learnables_without_a_row_in_the_languages_are_an_input_error(base, growth, tmp_path):
    rows = pa.table({"text": ["x"], "language": ["fr_XX"]})
    pq.write_table(rows, tmp_path / "french.parquet")
    config = growth()
    wrong = config.objectives.masked_lm.model_copy(update={"data": tmp_path / "french.parquet"})
    objectives = config.objectives.model_copy(update={"masked_lm": wrong})
    with pytest.raises(InputError, match=r"no train rows in \['en_XX'.*fr_XX"):
        learnables(config.model_copy(update={"objectives": objectives}), Codec.of(base))


def test_tag_words_is_the_mean_over_words():
    hidden = torch.zeros(1, 3, 5)
    hidden[0, 1, 4] = 20.0
    batch = {"labels": torch.tensor([[IGNORED, 4, IGNORED]])}
    assert float(tag_words(nn.Identity(), hidden, batch)) == pytest.approx(0.0, abs=1e-6)


def test_mean_as_taught_is_0_for_the_vector_itself_and_more_for_another():
    center = torch.full((4,), 0.1)
    vectors = torch.nn.functional.normalize(torch.randn(2, 4), dim=-1)
    hidden = vectors.unsqueeze(1).expand(2, 3, 4) * 7
    batch = {"vectors": vectors, "attention_mask": torch.ones(2, 3)}
    same = mean_as_taught(center, nn.Identity(), hidden, batch)
    assert float(same) == pytest.approx(0.0, abs=1e-5)
    assert mean_as_taught(center, nn.Identity(), hidden.flip(0), batch) > 0.01


def test_mixed_batches_are_of_one_objective_each_and_in_its_share(base, growth):
    config = growth(max_steps=2000)
    learnt = learnables(config, Codec.of(base))
    rows = [{"lang_id": 0, "input_ids": [0] * 5}]
    examples = {"masked_lm": rows * 20, "meaning": rows * 10, "tags": rows * 8}
    batches = list(MixedBatches(config, learnt, examples))
    assert len(batches) == 2000
    drawn = [{(index >= 20) + (index >= 30) for index in batch} for batch in batches]
    assert all(len(kind) == 1 for kind in drawn)
    assert max(chain(*batches)) == 37
    assert abs(sum(kind == {2} for kind in drawn) / 2000 - 0.4) < 0.04


@pytest.fixture
def assembled(growth, tmp_path) -> Path:
    config = growth()
    grow(config)
    topic = XmodForSequenceClassification.from_pretrained(config.out / "base", num_labels=3)
    opened = open_checkpoint(ModelSettings(path=str(config.out / "base")), "base")
    with new_checkpoint(tmp_path / "topic") as folder:
        write_model(topic, opened.tokenizer, folder, torch.float32)
    heads = {"ner": config.out / "ner", "topic": tmp_path / "topic"}
    with new_checkpoint(tmp_path / "model") as folder:
        assemble(config.out / "base", heads, 1, folder)
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("config", XmodForMaskedLM),
        ("ner", XmodForTokenClassification),
        ("topic", XmodForSequenceClassification),
    ],
)
def test_assembled_heads_load_in_transformers_and_give_what_they_gave(
    assembled, tmp_path, name, kind
):
    config = XmodConfig.from_json_file(assembled / f"{name}.json")
    model, report = kind.from_pretrained(
        assembled, config=config, dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"]
    folder = {"config": "grown/base", "ner": "grown/ner", "topic": "topic"}[name]
    whole = kind.from_pretrained(tmp_path / folder)
    ids = torch.tensor([[0, 9, 10, 11, 2]])
    with torch.inference_mode():
        given, wanted = (one(ids, lang_ids=torch.tensor([1])).logits for one in (model, whole))
    assert torch.nn.functional.cosine_similarity(given, wanted, dim=-1).min() > 0.99


def test_assembled_heads_share_an_encoder_in_the_pipeline(assembled):
    settings = [ModelSettings(path=str(assembled), head=head) for head in (None, "ner", "topic")]
    found = [open_checkpoint(one, "model") for one in settings]
    assert len({one.encoder for one in found}) == 1
    assert len(found[1].labels) == 5
    assert len(found[2].labels) == 3


def test_assembled_head_of_another_encoder_is_refused(base, assembled, tmp_path):
    with pytest.raises(CheckpointError, match=r"another encoder.*frozen: encoder"):
        assemble(base, {"ner": tmp_path / "grown" / "ner"}, 1, tmp_path)


def test_assembled_words_take_a_byte_each(assembled):
    stored = stored_weights(assembled)
    small = {name for name, weight in stored.items() if weight.dtype == torch.float8_e4m3fn}
    assert "roberta.embeddings.word_embeddings.weight" in small
    assert all(".layer.0." in name or "word_embeddings" in name for name in small)
    assert {weight.dtype for weight in stored.values()} == {torch.float8_e4m3fn, torch.bfloat16}
