"""Attention by window, whatever the layout."""

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from pipeline.xmod import attention
from pipeline.xmod.attention import (
    attention_for,
    flash_attention,
    grouped_attention,
    padded_attention,
)

CPU = torch.device("cpu")
LENGTHS = np.array([7, 7, 3, 1, 7, 12])


def projections() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(LENGTHS.sum(), 2, 8, generator=generator) for _ in range(3)]


@torch.inference_mode()
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", [grouped_attention, padded_attention])
def test_attention_window_attends_to_itself_alone(kind, causal):
    found = kind(LENGTHS, CPU, causal=causal)(*projections())
    windows = zip(*(torch.split(x, LENGTHS.tolist()) for x in projections()), strict=True)
    for part, window in zip(torch.split(found, LENGTHS.tolist()), windows, strict=True):
        query, key, value = (x.transpose(0, 1) for x in window)
        alone = scaled_dot_product_attention(query, key, value, is_causal=causal)
        torch.testing.assert_close(part, alone.transpose(0, 1), rtol=0, atol=1e-6)


def test_grouped_attention_neighbours_of_one_length_share_a_call(monkeypatch):
    shapes = []

    def recording(query, key, value, **options):
        shapes.append(tuple(query.shape))
        return scaled_dot_product_attention(query, key, value, **options)

    monkeypatch.setattr(attention, "scaled_dot_product_attention", recording)
    grouped_attention(LENGTHS, CPU, causal=False)(*projections())
    assert shapes == [(2, 2, 7, 8), (1, 2, 3, 8), (1, 2, 1, 8), (1, 2, 7, 8), (1, 2, 12, 8)]


def test_flash_attention_has_one_kernel_for_all_windows(monkeypatch):
    calls = []

    def recording(query, key, value, *bounds, **options):
        calls.append((bounds, options))
        return query

    monkeypatch.setattr(attention, "varlen_attn", recording)
    flash_attention(LENGTHS, CPU, causal=True)(*projections())
    (((bounds, same, longest, longest_too), options),) = calls
    assert bounds.tolist() == same.tolist() == [0, 7, 14, 17, 18, 25, 37]
    assert (bounds.dtype, longest, longest_too) == (torch.int32, 12, 12)
    assert options["window_size"] == (-1, 0)


def test_flash_attention_kernel_takes_the_layout():
    nowhere = torch.device("meta")
    query, key, value = (x.to(nowhere, torch.bfloat16) for x in projections())
    attend = flash_attention(LENGTHS, nowhere, causal=False)
    assert attend(query, key, value).shape == query.shape


@pytest.mark.parametrize(
    ("device", "dtype", "capability", "expected"),
    [
        ("cpu", torch.float32, None, grouped_attention),
        ("cpu", torch.bfloat16, None, grouped_attention),
        ("cuda", torch.bfloat16, (9, 0), flash_attention),
        ("cuda", torch.float16, (8, 0), flash_attention),
        ("cuda", torch.float16, (7, 5), padded_attention),
        ("cuda", torch.float32, (9, 0), padded_attention),
    ],
)
def test_attention_for_device_and_type_have_their_kind(
    device, dtype, capability, expected, monkeypatch
):
    monkeypatch.setattr(attention.torch.cuda, "get_device_capability", lambda _: capability)
    found = attention_for(torch.device(device), dtype, causal=True)
    assert (found.func, found.keywords) == (expected, {"causal": True})
