"""How a narrow model begins, and the watch for an encoder that gives every token one state."""

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, TrainerControl, TrainerState, XmodForMaskedLM

from demo.training.start import (
    RefuseCollapse,
    sinusoids,
    spread,
    start_from_content,
    start_from_frequencies,
)
from pipeline.errors import CheckpointError
from pipeline.training.pretrain import architecture
from pipeline.training.settings import Architecture
from tests.helpers.training_configs import LANGUAGES, NEW_MODEL

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


@pytest.fixture
def new_model(base) -> XmodForMaskedLM:
    """A model as transformers draws it."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    shape = Architecture.model_validate(NEW_MODEL["architecture"])
    return XmodForMaskedLM(architecture(shape, LANGUAGES, len(tokenizer))).eval()


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
