"""Self-attention over packed tokens: each window attends to itself alone.

Enters: queries, keys and values [tokens, heads, head], and a layout of the windows. Leaves:
[tokens, heads, head]. What holds: a window's numbers do not depend on its neighbours; nothing is
computed for padding, but on a GPU without flash attention, whose windows are padded to the longest
for this step alone.

All of them are softmax(query · keyᵀ / √head) · value, by window; ``causal`` hides what comes later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention

from pipeline.xmod.packed import Layout, placed

_FLASH_DTYPES = (torch.float16, torch.bfloat16)
_FLASH_CAPABILITY = (8, 0)
"""Flash attention's kernels compute in these types, on GPUs from Ampere on."""


class Attention(Layout, Protocol):
    """One way to attend."""

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, windows: Any) -> Tensor:  # noqa: ANN401
        """[tokens, heads, head] each, and what ``layout`` made of the windows' lengths."""


def attention_for(device: torch.device, dtype: torch.dtype, *, causal: bool) -> Attention:
    """What is fastest where the model runs."""
    if device.type == "cpu":
        return GroupedAttention(causal)
    capability = torch.cuda.get_device_capability(device)
    if dtype in _FLASH_DTYPES and capability >= _FLASH_CAPABILITY:
        return FlashAttention(causal)
    return PaddedAttention(causal)


@dataclass(frozen=True)
class Group:
    """Neighbouring windows of one length: ``rows`` of ``length`` tokens from ``start`` on."""

    start: int
    rows: int
    length: int


@dataclass(frozen=True)
class GroupedAttention:
    """Windows of the same length together; they are neighbours where they come by length."""

    causal: bool

    def layout(self, lengths: NDArray[np.int64], device: torch.device) -> tuple[Group, ...]:
        """The groups."""
        return tuple(_groups(lengths))

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, windows: tuple[Group, ...]
    ) -> Tensor:
        """One call a group."""
        parts = [
            _attended(*(_rows(x, group) for x in (query, key, value)), causal=self.causal)
            for group in windows
        ]
        return torch.cat(parts)


@dataclass(frozen=True)
class FlashAttention:
    """Flash attention's kernel for windows of many lengths: one call, no padding."""

    causal: bool

    def layout(self, lengths: NDArray[np.int64], device: torch.device) -> tuple[Tensor, int]:
        """Where windows begin and end, and the longest's length."""
        bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return placed(bounds, device), int(lengths.max())

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, windows: tuple[Tensor, int]
    ) -> Tensor:
        """One call."""
        bounds, longest = windows
        attended: Tensor = varlen_attn(  # type: ignore[assignment]
            query,
            key,
            value,
            bounds,
            bounds,
            longest,
            longest,
            window_size=(-1, 0) if self.causal else (-1, -1),
            num_splits=1,  # splits depend on the longest neighbour, and so would the last digits
        )
        return attended


@dataclass(frozen=True)
class Rectangle:
    """Windows as rows of one length.

    ``slots`` [rows · longest] are the tokens to put there, the row's first where there is none;
    ``places`` [tokens] where each token stands then; ``mask`` [rows, 1, 1, longest] what is real.
    """

    slots: Tensor
    places: Tensor
    mask: Tensor


@dataclass(frozen=True)
class PaddedAttention:
    """Windows padded for this step, then packed again: for types that flash attention lacks."""

    causal: bool

    def layout(self, lengths: NDArray[np.int64], device: torch.device) -> Rectangle:
        """The rectangle, and its mask: by row where attention is causal."""
        columns = np.arange(lengths.max())
        real = columns < lengths[:, None]
        firsts = np.cumsum(lengths) - lengths
        slots = firsts[:, None] + np.where(real, columns, 0)
        mask = real[:, None, None, :]
        if self.causal:
            mask = mask & np.tri(len(columns), dtype=bool)
        places = np.flatnonzero(real)
        return Rectangle(*(placed(x, device) for x in (slots.ravel(), places, mask)))

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, windows: Rectangle) -> Tensor:
        """One call."""
        rows, longest = len(windows.mask), windows.mask.shape[-1]
        query, key, value = (
            _by_row(x.index_select(0, windows.slots), rows, longest) for x in (query, key, value)
        )
        attended = scaled_dot_product_attention(query, key, value, windows.mask)
        return attended.transpose(1, 2).flatten(0, 1).index_select(0, windows.places)


def _groups(lengths: NDArray[np.int64]) -> Iterator[Group]:
    start = 0
    for length, same in groupby(lengths.tolist()):
        rows = len(list(same))
        yield Group(start, rows, length)
        start += rows * length


def _rows(tensor: Tensor, group: Group) -> Tensor:
    tokens = tensor.narrow(0, group.start, group.rows * group.length)
    return _by_row(tokens, group.rows, group.length)


def _by_row(tokens: Tensor, rows: int, length: int) -> Tensor:
    """[rows · length, heads, head] → [rows, heads, length, head], without a copy."""
    return tokens.view(rows, length, *tokens.shape[1:]).transpose(1, 2)


def _attended(query: Tensor, key: Tensor, value: Tensor, *, causal: bool) -> Tensor:
    attended: Tensor = scaled_dot_product_attention(query, key, value, is_causal=causal)
    return attended.transpose(1, 2).flatten(0, 1)
