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


def test_start_from_content_tells_words_and_distances_apart(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    model = XmodForMaskedLM(architecture(pretrain_config(corpora, tmp_path), len(tokenizer))).eval()

    def likeness(tokens: tuple[int, int], apart: int) -> float:
        places = torch.arange(5, 15)
        first, second = (
            model.roberta.embeddings(
                input_ids=torch.full((1, 10), token), position_ids=(places + shift).unsqueeze(0)
            )
            for token, shift in zip(tokens, (0, apart), strict=True)
        )
        return float(torch.cosine_similarity(first, second, dim=-1).mean().detach())

    start_from_content(model)
    assert likeness((7, 8), apart=0) < 0.98
    assert likeness((7, 7), apart=1) > likeness((7, 7), apart=4) + 0.05


def test_sinusoids_likeness_depends_on_the_distance_alone():
    places = sinusoids(64, 16)
    products = places @ places.T
    assert places.shape == (64, 16)
    for distance in (1, 5, 20):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-3, atol=1e-3)
    assert products[0, 0] > products[0, 1] > products[0, 3]
