"""Self-attention over packed tokens: a window attends to itself alone, whatever is beside it.

Each kind is made for the windows of a micro-batch, from their lengths [windows], and serves all
layers. It computes softmax(query · keyᵀ / √head) · value; ``causal`` hides the tokens that follow.
"""

from collections.abc import Callable
from functools import partial
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention

from pipeline.xmod.packed import Layout, placed

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Query, key and value, [tokens, heads, head] each → [tokens, heads, head]."""

_FLASH_DTYPES = (torch.float16, torch.bfloat16)
_FLASH_CAPABILITY = (8, 0)
"""The flash attention kernels compute in these types, on GPUs from Ampere on."""


def attention_for(device: torch.device, dtype: torch.dtype, *, causal: bool) -> Layout:
    """The fastest kind for ``device`` and ``dtype``."""
    if device.type == "cpu":
        return partial(grouped_attention, causal=causal)
    capability = torch.cuda.get_device_capability(device)
    flash = dtype in _FLASH_DTYPES and capability >= _FLASH_CAPABILITY
    return partial(flash_attention if flash else padded_attention, causal=causal)


def grouped_attention(lengths: NDArray[np.int64], device: torch.device, *, causal: bool) -> Attend:
    """For a CPU: one call for each run of windows of the same length; sorted, there are few."""
    runs = [(len(list(same)), length) for length, same in groupby(lengths.tolist())]
    sizes = [rows * length for rows, length in runs]

    def attend(*packed: Tensor) -> Tensor:
        parts = []
        for (rows, _), *group in zip(runs, *(torch.split(x, sizes) for x in packed), strict=True):
            query, key, value = (_by_row(x, rows) for x in group)
            attended = scaled_dot_product_attention(query, key, value, is_causal=causal)
            parts.append(_packed(attended))
        return torch.cat(parts)

    return attend


def flash_attention(lengths: NDArray[np.int64], device: torch.device, *, causal: bool) -> Attend:
    """The flash attention kernel for windows of different lengths: one call, no padding."""
    bounds = placed(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), device)
    longest = int(lengths.max())

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        attended: Tensor = varlen_attn(  # type: ignore[assignment]
            query,
            key,
            value,
            bounds,
            bounds,
            longest,
            longest,
            window_size=(-1, 0) if causal else (-1, -1),
            num_splits=1,  # more splits would follow the longest neighbour and change last digits
        )
        return attended

    return attend


def padded_attention(lengths: NDArray[np.int64], device: torch.device, *, causal: bool) -> Attend:
    """For GPUs and types that flash attention lacks: windows are padded for this step alone."""
    columns = np.arange(lengths.max())
    real = columns < lengths[:, None]
    firsts = np.cumsum(lengths) - lengths
    tokens = firsts[:, None] + np.where(real, columns, 0)  # a window's first token is its padding
    visible = real[:, None, None, :]
    if causal:
        visible = visible & np.tri(len(columns), dtype=bool)
    arrays = (tokens.ravel(), np.flatnonzero(real), visible)
    slots, places, mask = (placed(x, device) for x in arrays)

    def attend(*packed: Tensor) -> Tensor:
        query, key, value = (_by_row(x.index_select(0, slots), len(mask)) for x in packed)
        attended = scaled_dot_product_attention(query, key, value, mask)
        return _packed(attended).index_select(0, places)

    return attend


def _by_row(tokens: Tensor, rows: int) -> Tensor:
    """[rows · length, heads, head] → [rows, heads, length, head], without a copy."""
    return tokens.view(rows, -1, *tokens.shape[1:]).transpose(1, 2)


def _packed(attended: Tensor) -> Tensor:
    """[rows, heads, length, head] → [rows · length, heads, head]."""
    return attended.transpose(1, 2).flatten(0, 1)
