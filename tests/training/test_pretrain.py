"""Pre-training's own parts; what comes of them is in test_finetune.py."""

import torch
from training_configs import objectives, pretrain_config
from transformers import AutoTokenizer, XmodForMaskedLM

from pipeline.training import pretrain as pretraining
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


def test_start_from_content_vectors_of_other_words_differ(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    model = XmodForMaskedLM(architecture(pretrain_config(corpora, tmp_path), len(tokenizer))).eval()

    def likeness() -> float:
        ids = torch.tensor([[0, *range(5, 15), 2], [0, *range(15, 25), 2]])
        means = model.roberta.embeddings(input_ids=ids).mean(dim=1)
        return float(torch.cosine_similarity(means[0], means[1], dim=0).detach())

    before = likeness()
    start_from_content(model)
    assert likeness() < before - 0.2


def test_sinusoids_likeness_depends_on_the_distance_alone():
    places = sinusoids(64, 16)
    products = places @ places.T
    assert places.shape == (64, 16)
    for distance in (1, 5, 20):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-3, atol=1e-3)
    assert products[0, 0] > products[0, 1] > products[0, 3]
