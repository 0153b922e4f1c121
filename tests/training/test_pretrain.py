"""Pre-training's own parts; what comes of them is in test_finetune.py."""

import numpy as np
import pytest
import torch
from training_configs import objectives, pretrain_config
from transformers import AutoTokenizer, XmodForMaskedLM

from pipeline.training import pretrain as pretraining
from pipeline.training.objectives.masked_lm import masked_lm_loss
from pipeline.training.positions import shift_positions
from pipeline.training.pretrain import architecture, sinusoids, start_from_content


@pytest.fixture
def new_model(corpora, base, tmp_path) -> XmodForMaskedLM:
    """A model as transformers draws it."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    return XmodForMaskedLM(architecture(pretrain_config(corpora, tmp_path), len(tokenizer))).eval()


def test_pretrain_heads_start_each_step_without_gradients(corpora, base, tmp_path, monkeypatch):
    left_over = []

    class Watched(pretraining.PretrainingTrainer):
        def compute_loss(self, model, inputs, *_args, **_kwargs):
            heads = model.get_submodule("heads").parameters()
            left_over.append([weight.grad is not None for weight in heads])
            return super().compute_loss(model, inputs)

    monkeypatch.setattr(pretraining, "PretrainingTrainer", Watched)
    config = pretrain_config(corpora, tmp_path, start=base, objectives=objectives(corpora))
    pretraining.pretrain(config)
    assert len(left_over) == config.max_steps
    assert all(len(step) == 4 and not any(step) for step in left_over)


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_compute_loss_adds_the_objectives_loss_times_its_weight(corpora, base, tmp_path, weight):
    chosen = objectives(corpora)
    chosen["tags"]["weight"] = weight
    config = pretrain_config(corpora, tmp_path, start=base, objectives=chosen)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32)
    windows = [{"input_ids": np.array([0, 7, 9, 2], dtype=np.int32), "lang_id": 0}]
    learnt = pretraining.objectives(config, tokenizer, windows, model.config.hidden_size)
    place = [one.name for one in learnt].index("tags")
    trainer = pretraining.PretrainingTrainer(config, model, tokenizer, learnt)
    batch = learnt[place].collate(list(learnt[place].examples[:4]))
    batch = {**shift_positions(batch, 32, 1), "objective": torch.tensor(place)}
    model.eval()
    with torch.no_grad():
        encoded = {
            name: batch[name]
            for name in ("input_ids", "attention_mask", "position_ids", "lang_ids")
        }
        hidden = model.roberta(**encoded).last_hidden_state
        masked = masked_lm_loss(model.lm_head, hidden, batch["hidden_ids"])
        tagged = learnt[place].loss(learnt[place].head, hidden, batch)
        total = trainer.compute_loss(model, batch)
    torch.testing.assert_close(total, masked + weight * tagged)


def test_start_from_content_vectors_of_other_words_differ(new_model):
    """Means are over a whole window, where the positions, which are centred, add up to nothing."""

    def likeness() -> float:
        ids = torch.stack([torch.arange(5, 37), torch.arange(40, 72)])
        means = new_model.roberta.embeddings(input_ids=ids).mean(dim=1)
        return float(torch.cosine_similarity(means[0], means[1], dim=0).detach())

    before = likeness()
    start_from_content(new_model)
    assert likeness() < before - 0.2


def test_start_from_content_neighbours_are_more_alike_than_what_is_far_away(new_model):
    def likeness(apart: int) -> float:
        places = torch.arange(5, 15)
        first, second = (
            new_model.roberta.embeddings(
                input_ids=torch.full((1, 10), 7), position_ids=(places + shift).unsqueeze(0)
            )
            for shift in (0, apart)
        )
        return float(torch.cosine_similarity(first, second, dim=-1).mean().detach())

    assert likeness(1) < likeness(4) + 0.05
    start_from_content(new_model)
    assert likeness(1) > likeness(4) + 0.05


def test_sinusoids_likeness_depends_on_the_distance_alone():
    places = sinusoids(64, 16)
    products = places @ places.T
    assert places.shape == (64, 16)
    for distance in (1, 5, 20):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-3, atol=1e-3)
    assert products[0, 0] > products[0, 1] > products[0, 3]
