"""The adapter step of X-MOD, at a cost that depends on the languages present and no others.

transformers' ``XmodOutput.lang_adapter`` goes through every loaded adapter with a boolean mask
(transformers/models/xmod/modeling_xmod.py; the model is Pfeiffer et al., NAACL 2022). The numbers
here are the same. A route is made once for a micro-batch, from the adapter index of each token
[tokens]; each layer's adapters are then applied along it, [tokens, hidden] → [tokens, hidden].
"""

from collections.abc import Callable, Sequence
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

Route = Callable[[Tensor, Callable[[Tensor, Any], Tensor]], Tensor]
"""From hidden states, and what adapts a slice with its index or blocks with their indices."""


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
    def route(adapter_indices: NDArray[np.int64], device: torch.device) -> Route:
        """Sorts the tokens by adapter, where they are not sorted, and restores their order."""
        indices, counts = (x.tolist() for x in np.unique(adapter_indices, return_counts=True))
        order = np.argsort(adapter_indices, kind="stable")
        is_sorted = bool(np.all(np.diff(adapter_indices) >= 0))
        there, back = placed(order, device), placed(_inverse(order), device)

        def along(hidden: Tensor, adapt: Callable[[Tensor, int], Tensor]) -> Tensor:
            slices = torch.split(hidden if is_sorted else hidden.index_select(0, there), counts)
            adapted = torch.cat([adapt(*one) for one in zip(slices, indices, strict=True)])
            return adapted if is_sorted else adapted.index_select(0, back)

        return along

    def forward(self, hidden: Tensor, route: Route) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        return route(hidden, self._adapted)

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
    def route(adapter_indices: NDArray[np.int64], device: torch.device) -> Route:
        """Gathers the tokens in blocks of one adapter each, filled up with token 0."""
        order = np.argsort(adapter_indices, kind="stable")
        found, counts = np.unique(adapter_indices, return_counts=True)
        blocks = -(-counts // _BLOCK)
        padding = blocks * _BLOCK - counts
        slot_of_sorted = np.arange(len(order)) + np.repeat(np.cumsum(padding) - padding, counts)
        token_of_slot = np.zeros(int(blocks.sum()) * _BLOCK, dtype=np.int64)
        token_of_slot[slot_of_sorted] = order
        arrays = (token_of_slot, slot_of_sorted[_inverse(order)], np.repeat(found, blocks))
        there, back, indices = (placed(x, device) for x in arrays)

        def along(hidden: Tensor, adapt: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
            in_blocks = hidden.index_select(0, there).view(-1, _BLOCK, hidden.shape[-1])
            return adapt(in_blocks, indices).flatten(0, 1).index_select(0, back)

        return along

    def forward(self, hidden: Tensor, route: Route) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        return route(hidden, self._adapted)

    def _adapted(self, blocks: Tensor, adapter_indices: Tensor) -> Tensor:
        inner = self._activation(self._product("down", blocks, adapter_indices))
        return self._product("up", inner, adapter_indices)

    def _product(self, name: str, blocks: Tensor, adapter_indices: Tensor) -> Tensor:
        weight, bias = (
            self.get_buffer(f"{name}_{kind}").index_select(0, adapter_indices)
            for kind in ("weight", "bias")
        )
        return torch.baddbmm(bias, blocks, weight)


def _stacked(tensors: Sequence[Tensor], bypass: bool) -> Tensor:
    kept = [tensor.detach() for tensor in tensors]
    return torch.stack([*kept, torch.zeros_like(kept[0])] if bypass else kept)


def _inverse(order: NDArray[np.int64]) -> NDArray[np.int64]:
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places
