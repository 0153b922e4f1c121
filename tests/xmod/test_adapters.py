"""Routed adapters give the numbers of transformers' own."""

import copy
from itertools import pairwise, product

import pytest
import torch
from checkpoints import LANGUAGES, tiny_model
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification, XmodModel

from pipeline.errors import LanguageError
from pipeline.xmod.adapters import RoutedAdapters, checked_lang_ids, route_adapters

OPTIONS = ("pre_norm", "adapter_layer_norm", "adapter_reuse_layer_norm", "ln_before_adapter")
COMBINATIONS = list(product([False, True], repeat=len(OPTIONS)))
UNSORTED = torch.tensor([3, 0, 3, 5, 0, 1, 1])
SORTED = UNSORTED.sort().values


def batch(lang_ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """Rows of several lengths, padded."""
    torch.manual_seed(3)
    ids = torch.randint(5, 500, (len(lang_ids), 11))
    mask = torch.ones_like(ids)
    for row, length in enumerate([11, 4, 7, 1, 9, 11, 2][: len(lang_ids)]):
        ids[row, length:], mask[row, length:] = 1, 0
    return {"input_ids": ids, "attention_mask": mask, "lang_ids": lang_ids}


@torch.inference_mode()
def hidden(model: XmodModel, lang_ids: torch.Tensor) -> torch.Tensor:
    inputs = batch(lang_ids)
    return model(**inputs).last_hidden_state * inputs["attention_mask"].unsqueeze(-1)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("values", COMBINATIONS, ids=str)
def test_routed_model_any_option_equals_transformers(values, factor):
    options = dict(zip(OPTIONS, values, strict=True))
    model = tiny_model(XmodModel, adapter_reduction_factor=factor, **options)
    expected = {order: hidden(model, order) for order in (UNSORTED, SORTED)}
    routed = route_adapters(copy.deepcopy(model))
    for order, numbers in expected.items():
        torch.testing.assert_close(hidden(routed, order), numbers, rtol=0, atol=1e-5)


def test_routed_model_gathered_on_a_gpu_equals_slices(monkeypatch):
    routed = route_adapters(tiny_model(XmodModel, adapter_layer_norm=True))
    by_slices = hidden(routed, UNSORTED)
    monkeypatch.setattr(RoutedAdapters, "forward", RoutedAdapters._gathered)
    torch.testing.assert_close(hidden(routed, UNSORTED), by_slices, rtol=0, atol=1e-5)


def test_routed_model_each_language_has_its_own_adapter():
    routed = route_adapters(tiny_model(XmodModel))
    results = [hidden(routed, torch.full((1,), i)) for i in range(len(LANGUAGES))]
    for first, second in pairwise(results):
        assert (first - second).abs().max() > 1e-3


def test_routed_model_with_a_head_has_its_encoder_routed():
    model = tiny_model(XmodForTokenClassification)
    inputs = batch(UNSORTED)
    with torch.inference_mode():
        expected = model(**inputs).logits
        logits = route_adapters(model)(**inputs).logits
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


def test_checked_lang_ids_are_positions_among_the_loaded():
    loaded = {"zh_CN": 0, "en_XX": 1}
    assert checked_lang_ids(["en_XX", "zh_CN", "en_XX"], loaded) == [1, 0, 1]


def test_checked_lang_ids_of_no_language_is_the_bypass():
    assert checked_lang_ids([None, "en_XX"], {"en_XX": 0, None: 1}) == [1, 0]


@pytest.mark.parametrize("values", COMBINATIONS, ids=str)
def test_routed_model_bypass_equals_transformers_without_adapter(values):
    """transformers adds nothing for an id that no adapter has."""
    model = tiny_model(XmodModel, **dict(zip(OPTIONS, values, strict=True)))
    order = torch.tensor([0, len(LANGUAGES), 3, len(LANGUAGES), 1])
    expected = hidden(model, order)
    routed = route_adapters(copy.deepcopy(model), bypass=True)
    torch.testing.assert_close(hidden(routed, order), expected, rtol=0, atol=1e-5)


def test_routed_model_bypass_gathered_on_a_gpu_equals_slices(monkeypatch):
    routed = route_adapters(tiny_model(XmodModel), bypass=True)
    order = torch.tensor([2, len(LANGUAGES), 0])
    by_slices = hidden(routed, order)
    monkeypatch.setattr(RoutedAdapters, "forward", RoutedAdapters._gathered)
    torch.testing.assert_close(hidden(routed, order), by_slices, rtol=0, atol=1e-5)


@pytest.mark.parametrize("code", ["sw_KE", "", None])
def test_checked_lang_ids_unknown_code_is_an_error(code):
    with pytest.raises(LanguageError, match=f"loaded for {code}; expected one of zh_CN, en_XX"):
        checked_lang_ids(["en_XX", code], {"zh_CN": 0, "en_XX": 1})
