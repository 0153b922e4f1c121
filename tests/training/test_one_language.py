"""The one-adapter step against transformers' own."""

import itertools

import pytest
import torch
from transformers import XmodConfig, XmodModel

from pipeline.training.one_language import use_one_adapter


def model(**options) -> XmodModel:
    torch.manual_seed(0)
    config = XmodConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=20,
        initializer_range=0.3,
        languages=["en_XX", "de_DE", "zh_CN"],
        **options,
    )
    return XmodModel(config).eval()


SWITCHES = ("pre_norm", "adapter_layer_norm", "adapter_reuse_layer_norm", "ln_before_adapter")
OPTIONS = [
    dict(zip(SWITCHES, values, strict=True))
    for values in itertools.product([False, True], repeat=4)
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("lang_ids", [[1, 1], [2, 0]], ids=["one", "mixed"])
def test_use_one_adapter_outputs_are_transformers_own(options, lang_ids):
    ids = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]])
    plain = model(**options)
    expected = plain(input_ids=ids, lang_ids=torch.tensor(lang_ids)).last_hidden_state
    use_one_adapter(plain)
    actual = plain(input_ids=ids, lang_ids=torch.tensor(lang_ids)).last_hidden_state
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)


def test_use_one_adapter_unused_adapters_get_no_gradient():
    routed = model()
    use_one_adapter(routed)
    ids = torch.tensor([[0, 5, 6, 2]])
    routed(input_ids=ids, lang_ids=torch.tensor([2])).last_hidden_state.sum().backward()
    adapters = routed.encoder.layer[0].output.adapter_modules
    assert adapters["en_XX"].dense1.weight.grad is None
    assert adapters["zh_CN"].dense1.weight.grad is not None
