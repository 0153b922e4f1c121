"""Adapters by language: their indices, and the ways to route tokens to them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.xmod.modeling_xmod import XmodAdapter

from pipeline.errors import LanguageError
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.adapters import BlockedAdapters, SlicedAdapters
from pipeline.xmod.products import torch_product
from tests.helpers.checkpoints import tiny_config

CPU = torch.device("cpu")
LANGUAGES = 4


@pytest.fixture(scope="module")
def adapters() -> list[XmodAdapter]:
    torch.manual_seed(0)
    return [XmodAdapter(tiny_config()).eval() for _ in range(LANGUAGES)]


@torch.inference_mode()
@given(st.lists(st.integers(0, LANGUAGES), min_size=1, max_size=200))
def test_adapters_in_slices_and_in_blocks_each_token_gets_its_own(adapters, indices):
    hidden = torch.randn(len(indices), 32, generator=torch.Generator().manual_seed(1))
    wanted = torch.stack(
        [
            adapters[i](token) if i < LANGUAGES else torch.zeros(32)
            for i, token in zip(indices, hidden, strict=True)
        ]
    )
    sliced = SlicedAdapters(torch_product, "gelu", adapters)
    blocked = BlockedAdapters(True, "gelu", adapters)
    for module in (sliced, blocked):
        found = module(hidden, module.route(np.array(indices), CPU))
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_adapters_in_slices_only_languages_that_come_are_made(adapters):
    made: list[torch.nn.Linear] = []

    def make(linear: torch.nn.Linear, activation: str | None) -> torch.nn.Module:
        made.append(linear)
        return torch_product(linear, activation)

    sliced = SlicedAdapters(make, "gelu", adapters)
    for _ in range(2):
        sliced(torch.randn(3, 32), sliced.route(np.array([2, 0, 2]), CPU))
    assert made == [linear for i in (0, 2) for linear in (adapters[i].dense1, adapters[i].dense2)]


def test_adapter_indices_are_positions_among_the_loaded():
    assert LoadedAdapters(("zh_CN", "en_XX")).adapter_indices(["en_XX", "zh_CN", "en_XX"]) == [
        1,
        0,
        1,
    ]


def test_adapter_indices_of_no_language_is_the_bypass():
    assert LoadedAdapters(("en_XX",), bypass=True).adapter_indices([None, "en_XX"]) == [1, 0]


@pytest.mark.parametrize("code", ["sw_KE", "", None])
def test_adapter_indices_unknown_code_is_an_error(code):
    with pytest.raises(LanguageError, match=f"loaded for {code}; expected one of zh_CN, en_XX"):
        LoadedAdapters(("zh_CN", "en_XX")).adapter_indices(["en_XX", code])
