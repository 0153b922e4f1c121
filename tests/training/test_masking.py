"""Masked windows, and the loss on what is hidden."""

import pytest
import torch
from torch import nn
from transformers import AutoTokenizer, XmodForMaskedLM

from pipeline.training.codec import Codec
from pipeline.training.collate import MaskedCollator, masked_lm_loss
from pipeline.training.heads.masked_lm import MaskedWords
from pipeline.training.labels import IGNORED
from tests.helpers.checkpoints import tiny_model


@pytest.fixture
def tokenizer(base):
    return AutoTokenizer.from_pretrained(base)


def test_masked_collator_hide_a_share_of_the_tokens_and_no_special_ones(tokenizer):
    rows = [{"input_ids": [0, *range(5, 35), 2], "lang_id": 0}] * 200
    batch = MaskedCollator(Codec(tokenizer, 32, ()), 0.3)(rows)
    hidden = batch["labels"] != IGNORED
    assert abs(float(hidden[:, 1:-1].float().mean()) - 0.3) < 0.03
    assert not hidden[:, 0].any()
    assert not hidden[:, -1].any()
    assert set(batch["labels"][hidden].tolist()) <= set(range(5, 35))
    kept = ~hidden
    original = torch.tensor([row["input_ids"] for row in rows])
    assert torch.equal(batch["input_ids"][kept], original[kept])
    replaced = batch["input_ids"][hidden] == tokenizer.mask_token_id
    assert abs(float(replaced.float().mean()) - 0.8) < 0.05


def test_masked_collator_padding_is_out_of_attention(tokenizer):
    rows = [{"input_ids": [0, 5, 6, 2], "lang_id": 1}, {"input_ids": [0, 5, 2], "lang_id": 2}]
    batch = MaskedCollator(Codec(tokenizer, 32, ()), 0.15)(rows)
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch["lang_ids"].tolist() == [1, 2]


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


@pytest.mark.parametrize("scores", [1, 500, 1 << 25], ids=["each place", "some places", "all"])
def test_masked_lm_loss_in_parts_is_that_of_transformers_with_its_gradients(monkeypatch, scores):
    monkeypatch.setattr("pipeline.training.collate._MOST_SCORES", scores)
    torch.manual_seed(2)
    plain = tiny_model(XmodForMaskedLM, vocab_size=90)
    ours = MaskedWords(plain.config).eval()
    ours.load_state_dict(plain.state_dict())
    ids = torch.randint(5, 90, (3, 20))
    labels = torch.where(torch.rand(3, 20) < 0.4, ids, IGNORED)
    batch = {"input_ids": ids, "lang_ids": torch.tensor([0, 1, 1]), "labels": labels}
    for model in (plain, ours):
        model(**batch).loss.backward()
    torch.testing.assert_close(ours(**batch).loss, plain(**batch).loss, atol=1e-5, rtol=1e-5)
    for (name, own), (_, expected) in zip(
        ours.named_parameters(), plain.named_parameters(), strict=True
    ):
        assert (own.grad is None) == (expected.grad is None), name
        if own.grad is not None:
            torch.testing.assert_close(own.grad, expected.grad, atol=1e-5, rtol=1e-4)
