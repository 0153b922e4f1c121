"""The adapter step of X-MOD, at a cost that depends on the languages present and no others.

transformers' ``XmodOutput.lang_adapter`` goes through every loaded adapter with a boolean mask
(transformers/models/xmod/modeling_xmod.py; the model is Pfeiffer et al., NAACL 2022). The numbers
here are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.models.xmod.modeling_xmod import XmodAdapter

from pipeline.xmod.packed import placed
from pipeline.xmod.products import MakeProduct

_BLOCK = 32
"""Tokens of a block on a GPU; small, because the last block of each language is filled up."""


@dataclass(frozen=True)
class Runs:
    """``counts`` are pairs of an adapter index and its number of tokens.

    ``order`` [tokens] sorts the tokens by adapter and ``places`` [tokens] restores their order;
    both are None where the tokens are already sorted.
    """

    counts: tuple[tuple[int, int], ...]
    order: Tensor | None
    places: Tensor | None


class SlicedAdapters(nn.Module):
    """For a CPU: two products for each adapter, on its slice of the sorted tokens.

    An adapter's products are made when its first token comes; before that its weights are not even
    read from the file. The index after the last adapter, the bypass, adds nothing.
    """

    def __init__(self, make: MakeProduct, activation: str, adapters: Sequence[XmodAdapter]) -> None:
        super().__init__()
        self._adapters = adapters
        self._activation = activation
        self._make = make
        self._made: dict[int, nn.Module] = {}

    @staticmethod
    def layout(adapter_indices: NDArray[np.int64], device: torch.device) -> Runs:
        """From the adapter index of each token [tokens]."""
        found, counts = np.unique(adapter_indices, return_counts=True)
        runs = tuple(zip(found.tolist(), counts.tolist(), strict=True))
        if np.all(np.diff(adapter_indices) >= 0):
            return Runs(runs, None, None)
        order = np.argsort(adapter_indices, kind="stable")
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return Runs(runs, placed(order, device), placed(places, device))

    def forward(self, hidden: Tensor, runs: Runs) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        ordered = hidden if runs.order is None else hidden.index_select(0, runs.order)
        slices = torch.split(ordered, [tokens for _, tokens in runs.counts])
        pairs = zip(slices, runs.counts, strict=True)
        adapted = torch.cat([self._adapted(part, index) for part, (index, _) in pairs])
        return adapted if runs.places is None else adapted.index_select(0, runs.places)

    def _adapted(self, hidden: Tensor, adapter_index: int) -> Tensor:
        if adapter_index == len(self._adapters):
            return torch.zeros_like(hidden)
        if adapter_index not in self._made:  # two lanes may make the same one; the later one stays
            adapter = self._adapters[adapter_index]
            down, up = (
                self._make(adapter.dense1, self._activation),
                self._make(adapter.dense2, None),
            )
            self._made[adapter_index] = nn.Sequential(down, up)
        adapted: Tensor = self._made[adapter_index](hidden)
        return adapted


@dataclass(frozen=True)
class Blocks:
    """Tokens in blocks of one adapter each.

    ``slots`` [blocks · block] are the tokens that fill the blocks, token 0 as padding; ``places``
    [tokens] are the slots of the tokens; ``adapter_indices`` is [blocks].
    """

    slots: Tensor
    places: Tensor
    adapter_indices: Tensor


class BlockedAdapters(nn.Module):
    """For a GPU: two batched products whatever the languages, without waiting for the host.

    The weights of all adapters are stacked, [adapters, inputs, outputs]. The bypass is one more
    adapter whose weights are 0, so that it adds nothing.
    """

    def __init__(self, bypass: bool, activation: str, adapters: Sequence[XmodAdapter]) -> None:
        super().__init__()
        for name, linears in (
            ("down", [adapter.dense1 for adapter in adapters]),
            ("up", [adapter.dense2 for adapter in adapters]),
        ):
            weights = _stacked([linear.weight.t() for linear in linears], bypass)
            biases = _stacked([linear.bias.unsqueeze(0) for linear in linears], bypass)
            self.register_buffer(f"{name}_weight", weights)
            self.register_buffer(f"{name}_bias", biases)
        self._activation: Any = ACT2FN[activation]

    @staticmethod
    def layout(adapter_indices: NDArray[np.int64], device: torch.device) -> Blocks:
        """From the adapter index of each token [tokens]."""
        order = np.argsort(adapter_indices, kind="stable")
        found, counts = np.unique(adapter_indices, return_counts=True)
        blocks = -(-counts // _BLOCK)
        padding = blocks * _BLOCK - counts
        sorted_places = np.arange(len(order)) + np.repeat(np.cumsum(padding) - padding, counts)
        slots = np.zeros(int(blocks.sum()) * _BLOCK, dtype=np.int64)
        slots[sorted_places] = order
        places = np.empty_like(order)
        places[order] = sorted_places
        arrays = (slots, places, np.repeat(found, blocks))
        return Blocks(*(placed(x, device) for x in arrays))

    def forward(self, hidden: Tensor, blocks: Blocks) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        in_blocks = hidden.index_select(0, blocks.slots).view(-1, _BLOCK, hidden.shape[-1])
        inner = self._activation(self._product("down", in_blocks, blocks))
        return self._product("up", inner, blocks).flatten(0, 1).index_select(0, blocks.places)

    def _product(self, name: str, hidden: Tensor, blocks: Blocks) -> Tensor:
        weight, bias = (
            self.get_buffer(f"{name}_{kind}").index_select(0, blocks.adapter_indices)
            for kind in ("weight", "bias")
        )
        return torch.baddbmm(bias, hidden, weight)


def _stacked(tensors: Sequence[Tensor], bypass: bool) -> Tensor:
    kept = [tensor.detach() for tensor in tensors]
    return torch.stack([*kept, torch.zeros_like(kept[0])] if bypass else kept)
