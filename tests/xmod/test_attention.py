"""Attention by window, whatever the layout."""

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from pipeline.xmod import attention
from pipeline.xmod.attention import (
    FlashAttention,
    Group,
    GroupedAttention,
    PaddedAttention,
    attention_for,
)

CPU = torch.device("cpu")
LENGTHS = np.array([7, 7, 3, 1, 7, 12])


def projections() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(LENGTHS.sum(), 2, 8, generator=generator) for _ in range(3)]


@torch.inference_mode()
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", [GroupedAttention, PaddedAttention])
def test_attention_window_attends_to_itself_alone(kind, causal):
    step = kind(causal)
    found = step(*projections(), step.layout(LENGTHS, CPU))
    windows = zip(*(torch.split(x, LENGTHS.tolist()) for x in projections()), strict=True)
    for part, window in zip(torch.split(found, LENGTHS.tolist()), windows, strict=True):
        query, key, value = (x.transpose(0, 1) for x in window)
        alone = scaled_dot_product_attention(query, key, value, is_causal=causal)
        torch.testing.assert_close(part, alone.transpose(0, 1), rtol=0, atol=1e-6)


def test_grouped_attention_neighbours_of_one_length_are_a_group():
    groups = GroupedAttention(causal=False).layout(LENGTHS, CPU)
    assert groups == (
        Group(0, 2, 7),
        Group(14, 1, 3),
        Group(17, 1, 1),
        Group(18, 1, 7),
        Group(25, 1, 12),
    )


def test_flash_attention_has_one_kernel_for_all_windows():
    nowhere = torch.device("meta")
    step = FlashAttention(causal=False)
    bounds, longest = step.layout(LENGTHS, CPU)
    assert bounds.tolist() == [0, 7, 14, 17, 18, 25, 37]
    assert (bounds.dtype, longest) == (torch.int32, 12)
    query, key, value = (x.to(nowhere, torch.bfloat16) for x in projections())
    assert step(query, key, value, step.layout(LENGTHS, nowhere)).shape == query.shape


@pytest.mark.parametrize(
    ("device", "dtype", "capability", "expected"),
    [
        ("cpu", torch.float32, None, GroupedAttention),
        ("cpu", torch.bfloat16, None, GroupedAttention),
        ("cuda", torch.bfloat16, (9, 0), FlashAttention),
        ("cuda", torch.float16, (8, 0), FlashAttention),
        ("cuda", torch.float16, (7, 5), PaddedAttention),
        ("cuda", torch.float32, (9, 0), PaddedAttention),
    ],
)
def test_attention_for_device_and_type_have_their_kind(
    device, dtype, capability, expected, monkeypatch
):
    monkeypatch.setattr(attention.torch.cuda, "get_device_capability", lambda _: capability)
    assert attention_for(torch.device(device), dtype, causal=True) == expected(causal=True)
