"""The adapter step over the languages present, against transformers' own."""

import itertools

import pytest
import torch
from transformers import XmodConfig, XmodModel

from pipeline.errors import LanguageError
from pipeline.training.present_adapters import use_present_adapters


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
IDS = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1], [0, 8, 9, 2]])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("lang_ids", [[1, 1, 1], [0, 2, 2], [2, 0, 2]], ids=str)
def test_use_present_adapters_outputs_and_gradients_are_transformers_own(options, lang_ids):
    states, gradients = [], []
    for change in (lambda _: None, use_present_adapters):
        changed = model(**options)
        change(changed)
        hidden = changed(input_ids=IDS, lang_ids=torch.tensor(lang_ids)).last_hidden_state
        hidden.square().sum().backward()
        adapter = changed.encoder.layer[0].output.adapter_modules["zh_CN"].dense1.weight
        states.append(hidden.detach())
        gradients.append(torch.zeros_like(adapter) if adapter.grad is None else adapter.grad)
    torch.testing.assert_close(states[1], states[0], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-4)


def test_use_present_adapters_absent_languages_get_no_gradient():
    changed = model()
    use_present_adapters(changed)
    changed(input_ids=IDS, lang_ids=torch.tensor([2, 2, 1])).last_hidden_state.sum().backward()
    adapters = changed.encoder.layer[0].output.adapter_modules
    assert adapters["en_XX"].dense1.weight.grad is None
    assert adapters["zh_CN"].dense1.weight.grad is not None


@pytest.mark.parametrize("lang_id", [-1, 3])
def test_use_present_adapters_lang_id_out_of_range_is_an_error(lang_id):
    changed = model()
    use_present_adapters(changed)
    with pytest.raises(LanguageError, match="3 adapters"):
        changed(input_ids=IDS, lang_ids=torch.tensor([0, 1, lang_id]))
