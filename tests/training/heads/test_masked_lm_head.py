"""Perplexity at hidden words."""

import math

import numpy as np
import pytest
import torch
from transformers import XmodForMaskedLM

from pipeline.training.codec import Codec
from pipeline.training.heads.masked_lm import PASSES, masked_loss
from pipeline.training.inference import Reader


@pytest.fixture
def reader(base) -> Reader:
    model = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32).eval()
    return Reader(model, Codec.of(base), 2)


def test_masked_loss_hides_every_token_once(reader):
    """By hand: each token's loss where it and every seventh other one are hidden."""
    windows = [np.array([0, *range(5, 21), 2], dtype=np.int32), np.array([0, 8, 2], dtype=np.int32)]
    losses = []
    mask = reader.codec.tokenizer.mask_token_id
    for window in windows:
        for first in range(PASSES):
            places = [at for at in range(len(window)) if at % PASSES == first and 2 < window[at]]
            ids = torch.from_numpy(window).long()
            shown = ids.clone()
            shown[places] = mask
            with torch.inference_mode():
                logits = reader.model(shown[None], lang_ids=torch.tensor([1])).logits[0]
            losses += [-float(logits[at].log_softmax(-1)[ids[at]]) for at in places]
    assert len(losses) == 17
    found = masked_loss(reader, windows, "de_DE")
    assert found == pytest.approx(float(np.mean(losses)), rel=1e-5)


def test_masked_loss_of_a_model_that_knows_nothing_is_that_of_guessing(reader):
    with torch.no_grad():
        reader.model.lm_head.bias.zero_()
        reader.model.lm_head.layer_norm.weight.zero_()
        reader.model.lm_head.layer_norm.bias.zero_()
    window = [np.array([0, 7, 8, 9, 2], dtype=np.int32)]
    vocabulary = reader.model.config.vocab_size
    assert masked_loss(reader, window, "en_XX") == pytest.approx(math.log(vocabulary), rel=1e-5)
