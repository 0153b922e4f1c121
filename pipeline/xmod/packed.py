"""A micro-batch on one axis of tokens: its windows end to end, without padding.

Lengths and languages are laid out here, on the host, so that a forward never waits for a GPU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Layout = Callable[[NDArray[np.int64], torch.device], Any]
"""Prepares attention, from window lengths [windows], or adapters, from adapter indices [tokens]."""


@dataclass(frozen=True)
class Packed:
    """A micro-batch; its windows keep the order in which they were given.

    ``ids`` and ``positions`` are [tokens]; window k spans ``bounds[k]`` to ``bounds[k + 1]``,
    ``bounds`` [windows + 1]. The mask replaces the tokens at ``masked`` [masked]; ``targets``
    [masked] are the tokens themselves. ``attend`` and ``route`` are what the encoder's
    attention and adapters prepared for these windows.
    """

    ids: Tensor
    positions: Tensor
    bounds: Tensor
    masked: Tensor
    targets: Tensor
    attend: Any
    route: Any

    @property
    def lengths(self) -> Tensor:
        """Tokens of each window [windows]."""
        return self.bounds.diff()

    def first_tokens(self, hidden: Tensor) -> Tensor:
        """The hidden state of each window's first token: [tokens, hidden] → [windows, hidden]."""
        return hidden.index_select(0, self.bounds[:-1])


@dataclass(frozen=True)
class Masks:
    """Positions in each window whose token is replaced by ``token``, the tokenizer's mask."""

    places: Sequence[NDArray[np.int64]]
    token: int


@dataclass(frozen=True)
class Packer:
    """Packs windows for an encoder, with the layouts of its ``attention`` and ``adapters``.

    Positions count as XLM-R's do, from ``padding_id`` + 1; a padding token within a text has
    position ``padding_id``.
    """

    attention: Layout
    adapters: Layout
    padding_id: int
    device: torch.device

    def __call__(
        self,
        windows: Sequence[ArrayLike],
        adapter_indices: Sequence[int],
        masks: Masks | None = None,
    ) -> Packed:
        """A micro-batch of one or more ``windows``, none of them empty, with an index for each."""
        rows = [np.asarray(window, dtype=np.int64) for window in windows]
        lengths = np.array([len(row) for row in rows])
        bounds = np.cumsum([0, *lengths], dtype=np.int32)
        positions = np.concatenate([self._positions(row) for row in rows])
        ids = np.concatenate(rows)
        masked = np.zeros(0, dtype=np.int64)
        if masks is not None:
            starts = np.repeat(bounds[:-1], [len(places) for places in masks.places])
            masked = np.concatenate(masks.places) + starts
        targets = ids[masked]
        if masks is not None:
            ids[masked] = masks.token
        by_token = np.repeat(np.asarray(adapter_indices, dtype=np.int64), lengths)
        return Packed(
            ids=placed(ids, self.device),
            positions=placed(positions, self.device),
            bounds=placed(bounds, self.device),
            masked=placed(masked, self.device),
            targets=placed(targets, self.device),
            attend=self.attention(lengths, self.device),
            route=self.adapters(by_token, self.device),
        )

    def _positions(self, row: NDArray[np.int64]) -> NDArray[np.int64]:
        real = row != self.padding_id
        positions: NDArray[np.int64] = np.cumsum(real) * real + self.padding_id
        return positions


def placed(values: NDArray[Any], device: torch.device) -> Tensor:
    """``values`` as a tensor on ``device``."""
    return torch.from_numpy(values).to(device, non_blocking=True)
