"""Pre-training with several objectives."""

from itertools import chain
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from demo.training import pretrain as pretraining
from demo.training.objectives import objectives as of_config
from demo.training.settings import DemoPretrainConfig, IdentifierConfig
from pipeline.config import load
from pipeline.training.codec import Codec
from pipeline.training.collate import masked_lm_loss
from pipeline.training.learning import Worker, alone
from tests.helpers.demo_configs import demo_config, objectives

CONFIGS = Path(__file__).parents[2] / "demo" / "training"
QUERY = "roberta.encoder.layer.0.attention.self.query.weight"


@pytest.mark.parametrize("name", ["pretrain", "pretrain_again", "pretrain_labels"])
def test_config_of_the_demo_can_be_used(name):
    assert load(CONFIGS / f"{name}.yaml", [], DemoPretrainConfig).objectives.share > 0.5


def test_config_of_the_identifier_can_be_used():
    load(CONFIGS / "identifier.yaml", [], IdentifierConfig)


def test_pretrain_heads_start_each_step_without_gradients(corpora, base, tmp_path, monkeypatch):
    left_over = []

    class Watched(pretraining.PretrainingTrainer):
        def compute_loss(self, model, inputs, *_args, **_kwargs):
            heads = model.get_submodule("heads").parameters()
            left_over.append([weight.grad is not None for weight in heads])
            return super().compute_loss(model, inputs)

    monkeypatch.setattr(pretraining, "PretrainingTrainer", Watched)
    config = demo_config(corpora, tmp_path, start=base, objectives=objectives(corpora))
    pretraining.pretrain_demo(config, alone)
    assert len(left_over) == config.max_steps
    assert all(len(step) == 4 and not any(step) for step in left_over)


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_compute_loss_adds_the_objectives_loss_times_its_weight(corpora, base, tmp_path, weight):
    chosen = objectives(corpora)
    chosen["tags"]["weight"] = weight
    config = demo_config(corpora, tmp_path, start=base, objectives=chosen)
    codec = Codec.of(base)
    of_each = of_config(config, codec)
    learnt = [objective for objective, _ in of_each]
    examples = {objective.name: source.encode(source.rows) for objective, source in of_each}
    model = pretraining.ModularPretraining.from_pretrained(base, dtype=torch.float32)
    model.take_up(learnt)
    trainer = pretraining.PretrainingTrainer(config, model, examples, Worker())
    place = [one.name for one in learnt].index("tags")
    batch = learnt[place].collate(examples["tags"][:4])
    batch["objective"] = torch.tensor(place)
    model.eval()
    with torch.no_grad():
        encoded = {
            name: batch[name]
            for name in ("input_ids", "attention_mask", "position_ids", "lang_ids")
        }
        hidden = model.roberta(**encoded).last_hidden_state
        masked = masked_lm_loss(model.lm_head, hidden, batch["hidden_ids"])
        tagged = learnt[place].loss(model.heads["tags"], hidden, batch)
        total = trainer.compute_loss(model, batch)
    torch.testing.assert_close(total, masked + weight * tagged)


def test_pretrain_with_objectives_continues_a_checkpoint_and_keeps_its_format(
    corpora, base, tmp_path
):
    config = demo_config(corpora, tmp_path / "more", start=base, objectives=objectives(corpora))
    pretraining.pretrain_demo(config, alone)
    first, more = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "more"))
    assert first.keys() == more.keys()
    assert not torch.equal(first[QUERY], more[QUERY])


def test_pretrain_objectives_that_leave_nothing_to_masked_lm_are_refused(corpora, tmp_path):
    with pytest.raises(ValueError, match="masked LM needs some"):
        demo_config(corpora, tmp_path, objectives=objectives(corpora, share=0.4))


def test_mixed_batches_are_of_one_objective_each_and_in_its_share():
    config = demo_config(Path(), Path(), max_steps=2000)
    learnt = [
        pretraining.Objective(name=name, share=share, batch_size=4, collate=list)
        for name, share in (("a", 0.75), ("b", 0.25))
    ]
    rows = [{"lang_id": 0, "input_ids": [0] * 5}]
    examples = {"a": rows * 20, "b": rows * 8}
    mixed = pretraining.MixedBatches(config, learnt, examples, rank=0)
    batches = list(mixed)
    assert len(batches) == len(mixed) == 2000
    drawn = [{index >= 20 for index in batch} for batch in batches]
    assert all(len(kind) == 1 for kind in drawn)
    assert max(chain(*batches)) == 27
    assert abs(sum(kind == {True} for kind in drawn) / 2000 - 0.25) < 0.03
