"""The masked-LM loss."""

import pytest
import torch
from torch import nn

from pipeline.training.labels import IGNORED
from pipeline.training.objectives.masked_lm import masked_lm_loss


def test_masked_lm_loss_is_the_mean_over_hidden_tokens():
    hidden = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
    ids = torch.tensor([[IGNORED, 2, IGNORED], [1, IGNORED, IGNORED]])
    expected = -(hidden[0, 1].log_softmax(-1)[2] + hidden[1, 0].log_softmax(-1)[1]) / 2
    assert float(masked_lm_loss(nn.Identity(), hidden, ids)) == pytest.approx(float(expected))


def test_masked_lm_loss_of_nothing_hidden_is_zero_with_a_gradient():
    hidden = torch.randn(1, 3, 4, requires_grad=True)
    loss = masked_lm_loss(nn.Linear(4, 6), hidden, torch.full((1, 3), IGNORED))
    loss.backward()
    assert float(loss.detach()) == 0.0
