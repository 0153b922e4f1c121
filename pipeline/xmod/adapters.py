"""Routed adapters: the adapter step of X-MOD at the cost of the languages present.

Enters: packed tokens and their languages. Leaves: what the adapters of their languages make of
them. What holds: numbers as transformers computes them; ``lang_id`` is a position among the
languages that were loaded.

transformers' ``XmodOutput.lang_adapter`` walks every loaded adapter in every layer with a boolean
mask, whether its language is in the batch or not (transformers/models/xmod/modeling_xmod.py; the
model is Pfeiffer et al., NAACL 2022).
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
"""Tokens of one language that a GPU multiplies together: few, so that few are filled up."""


@dataclass(frozen=True)
class Runs:
    """Tokens by language: ``languages`` are pairs of a ``lang_id`` and its number of tokens.

    ``order`` [tokens] sorts them and ``places`` [tokens] puts them back; None if they come sorted.
    """

    languages: tuple[tuple[int, int], ...]
    order: Tensor | None
    places: Tensor | None


class RunLayout:
    """Where the languages are, for ``SlicedAdapters``."""

    def layout(self, lang_ids: NDArray[np.int64], device: torch.device) -> Runs:
        """From each token's ``lang_id`` [tokens]."""
        found, counts = np.unique(lang_ids, return_counts=True)
        languages = tuple(zip(found.tolist(), counts.tolist(), strict=True))
        if np.all(np.diff(lang_ids) >= 0):
            return Runs(languages, None, None)
        order = np.argsort(lang_ids, kind="stable")
        return Runs(languages, placed(order, device), placed(_inverse(order), device))


class SlicedAdapters(nn.Module):
    """Two products a language that is present, on its slice of the sorted tokens: for a CPU.

    A language's products are made when its first token comes: until then its weights are not even
    read. The id after the last language's, the bypass, adds nothing.
    """

    def __init__(self, make: MakeProduct, activation: str, adapters: Sequence[XmodAdapter]) -> None:
        super().__init__()
        self._adapters = adapters
        self._activation = activation
        self._make = make
        self._made: dict[int, nn.Module] = {}

    def forward(self, hidden: Tensor, runs: Runs) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        ordered = hidden if runs.order is None else hidden.index_select(0, runs.order)
        slices = torch.split(ordered, [tokens for _, tokens in runs.languages])
        adapted = torch.cat(
            [
                self._adapted(part, lang_id)
                for part, (lang_id, _) in zip(slices, runs.languages, strict=True)
            ]
        )
        return adapted if runs.places is None else adapted.index_select(0, runs.places)

    def _adapted(self, hidden: Tensor, lang_id: int) -> Tensor:
        if lang_id == len(self._adapters):
            return torch.zeros_like(hidden)
        adapted: Tensor = self._products(lang_id)(hidden)
        return adapted

    def _products(self, lang_id: int) -> nn.Module:
        # Two lanes may make a language's at once; they make the same, and the later one stays.
        if lang_id not in self._made:
            adapter = self._adapters[lang_id]
            down = self._make(adapter.dense1, self._activation)
            self._made[lang_id] = nn.Sequential(down, self._make(adapter.dense2, None))
        return self._made[lang_id]


@dataclass(frozen=True)
class Blocks:
    """Tokens in blocks of one language each.

    ``slots`` [blocks · block] are the tokens to put there, any one where a block is not full;
    ``places`` [tokens] where each token stands then; ``lang_ids`` [blocks].
    """

    slots: Tensor
    places: Tensor
    lang_ids: Tensor


class BlockLayout:
    """Where the languages are, for ``BlockedAdapters``."""

    def layout(self, lang_ids: NDArray[np.int64], device: torch.device) -> Blocks:
        """From each token's ``lang_id`` [tokens]."""
        order = np.argsort(lang_ids, kind="stable")
        found, counts = np.unique(lang_ids, return_counts=True)
        blocks = -(-counts // _BLOCK)
        filled_up = np.cumsum(blocks * _BLOCK - counts) - (blocks * _BLOCK - counts)
        stands = np.arange(len(order)) + np.repeat(filled_up, counts)
        slots = np.zeros(int(blocks.sum()) * _BLOCK, dtype=np.int64)
        slots[stands] = order
        layout = (slots, stands[_inverse(order)], np.repeat(found, blocks))
        return Blocks(*(placed(x, device) for x in layout))


class BlockedAdapters(nn.Module):
    """Two batched products whatever the languages: for a GPU, which never waits for the host.

    The weights of all languages are stacked, [languages, inputs, outputs]. The bypass is one more
    language, whose weights are 0: it adds nothing.
    """

    def __init__(self, bypass: bool, activation: str, adapters: Sequence[XmodAdapter]) -> None:
        super().__init__()
        for name, linears in (
            ("down", [adapter.dense1 for adapter in adapters]),
            ("up", [adapter.dense2 for adapter in adapters]),
        ):
            weights = _stacked([linear.weight.t() for linear in linears], bypass)
            self.register_buffer(f"{name}_weight", weights)
            biases = _stacked([linear.bias for linear in linears], bypass)
            self.register_buffer(f"{name}_bias", biases.unsqueeze(1))
        self._activation: Any = ACT2FN[activation]

    def forward(self, hidden: Tensor, blocks: Blocks) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        in_blocks = hidden.index_select(0, blocks.slots).view(-1, _BLOCK, hidden.shape[-1])
        inner = self._activation(self._product("down", in_blocks, blocks.lang_ids))
        adapted = self._product("up", inner, blocks.lang_ids)
        return adapted.flatten(0, 1).index_select(0, blocks.places)

    def _product(self, name: str, hidden: Tensor, lang_ids: Tensor) -> Tensor:
        weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
        return torch.baddbmm(
            bias.index_select(0, lang_ids), hidden, weight.index_select(0, lang_ids)
        )


def _stacked(tensors: Sequence[Tensor], bypass: bool) -> Tensor:
    kept = [tensor.detach() for tensor in tensors]
    return torch.stack([*kept, torch.zeros_like(kept[0])] if bypass else kept)


def _inverse(order: NDArray[np.int64]) -> NDArray[np.int64]:
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places
