"""Vectors of translations."""

import torch

from pipeline.training.heads.embeddings import ranking_loss


def test_ranking_loss_is_small_for_translations_and_large_for_others():
    texts = torch.eye(4)
    together = ranking_loss(torch.cat([texts, 3 * texts]), temperature=0.05)
    apart = ranking_loss(torch.cat([texts, texts.roll(1, 0)]), temperature=0.05)
    assert float(together) < 1e-6
    assert float(apart) > 10
