"""The watch for an encoder that gives every token one state."""

import numpy as np
import pytest
import torch
from transformers import TrainerControl, TrainerState, XmodForMaskedLM

from pipeline.errors import CheckpointError
from pipeline.training.collapse import RefuseCollapse, spread
from pipeline.training.starting_point import start_from_frequencies

WINDOW = {"input_ids": np.array([0, 7, 9, 11, 2], dtype=np.int32), "lang_id": 1}


@pytest.fixture
def model(base) -> XmodForMaskedLM:
    return XmodForMaskedLM.from_pretrained(base, dtype=torch.float32)


def test_refuse_collapse_lets_a_working_encoder_pass(model):
    assert spread(model, WINDOW) > 0.1
    RefuseCollapse(model, WINDOW).on_log(None, TrainerState(), TrainerControl())


def test_refuse_collapse_stops_where_all_tokens_have_one_state(model):
    with torch.no_grad():
        # A huge constant in the last residual branch drowns what tells tokens apart.
        model.roberta.encoder.layer[-1].attention.output.dense.bias.copy_(
            1e4 * torch.linspace(-1, 1, model.config.hidden_size)
        )
    with pytest.raises(CheckpointError, match="collapsed by step 0"):
        RefuseCollapse(model, WINDOW).on_log(None, TrainerState(), TrainerControl())


def test_spread_is_not_that_of_dropout(model):
    """Noise would tell tokens apart that are all alike."""
    with torch.no_grad():
        model.roberta.encoder.layer[-1].attention.output.dense.bias.copy_(
            1e4 * torch.linspace(-1, 1, model.config.hidden_size)
        )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    model.train()
    assert spread(model, WINDOW) < 0.01
    assert model.training


def test_pretrain_output_bias_starts_from_token_frequencies(model):
    start_from_frequencies(model, [WINDOW])
    shares = model.lm_head.bias.detach().exp()
    assert shares.sum() == pytest.approx(1.0, abs=1e-4)
    assert shares[7] == pytest.approx(3 * float(shares[8]), rel=1e-4)  # seen once, and never
