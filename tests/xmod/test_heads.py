"""The table of heads against transformers' own models."""

import pytest
import torch
from transformers import XmodConfig
from transformers.models.xmod import modeling_xmod

from pipeline.xmod.heads import HEADS


@pytest.mark.parametrize("architecture", HEADS)
def test_heads_are_the_weights_that_transformers_has_beside_the_encoder(architecture: str):
    config = XmodConfig(
        vocab_size=11, hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_labels=3
    )
    config.intermediate_size, config.is_decoder = 16, architecture == "XmodForCausalLM"
    pooled = architecture == "PooledEncoder"
    with torch.device("meta"):
        model = getattr(modeling_xmod, "XmodModel" if pooled else architecture)(config)
    expected = {
        f"roberta.{name}" if pooled else name: tuple(weight.shape)
        for name, weight in model.named_parameters()
        if "embeddings" not in name
        and "encoder" not in name
        and (pooled or not name.startswith("pooler"))
    }
    assert HEADS[architecture](8, 11, 3) == expected
