"""Windows of a micro-batch end to end, without padding.

Enters: token ids and ``lang_id`` of each window. Leaves: ``Packed``: one axis of tokens, with what
attention and adapters need to find windows and languages on it. What holds: windows stand in the
order in which they came; all that depends on lengths and languages is worked out here, on the
host, so that nothing in a forward has to ask a GPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


@dataclass(frozen=True)
class Packed:
    """A micro-batch: ``ids`` and ``positions`` [tokens], ``bounds`` [windows + 1] between windows.

    ``masked`` [masked] are places whose token the model is not shown, and ``targets`` [masked]
    those tokens. ``windows`` and ``languages`` are the layouts that attention and adapters made.
    """

    ids: Tensor
    positions: Tensor
    bounds: Tensor
    masked: Tensor
    targets: Tensor
    windows: Any
    languages: Any

    @property
    def firsts(self) -> Tensor:
        """Where each window's first token stands [windows]."""
        return self.bounds[:-1]

    @property
    def lengths(self) -> Tensor:
        """Tokens of each window [windows]."""
        return self.bounds.diff()


@dataclass(frozen=True)
class Masks:
    """Places in each window whose token is replaced by ``token``, the tokenizer's mask."""

    places: Sequence[NDArray[np.int64]]
    token: int

    def on_one_axis(self, bounds: NDArray[np.int32]) -> NDArray[np.int64]:
        """All places [masked], counted from the first window's beginning."""
        return np.concatenate(
            [places + start for places, start in zip(self.places, bounds[:-1], strict=True)]
        )


class Layout(Protocol):
    """What works out, before a forward, where things are for one of its steps."""

    def layout(self, values: NDArray[np.int64], device: torch.device) -> Any:  # noqa: ANN401
        """From the windows' lengths [windows] or the tokens' ``lang_ids`` [tokens]."""


@dataclass(frozen=True)
class Packer:
    """Packs for an encoder: ``attention`` and ``adapters`` lay out what they will need.

    Positions count as XLM-R's do, from the one after ``padding_id``; a token that is itself the
    padding token has no position of its own.
    """

    attention: Layout
    adapters: Layout
    padding_id: int
    device: torch.device

    def __call__(
        self,
        windows: Sequence[ArrayLike],
        lang_ids: Sequence[int],
        masks: Masks | None = None,
    ) -> Packed:
        """One or more windows, none of them empty; ``masks`` has places for each of them."""
        rows = [np.asarray(window, dtype=np.int64) for window in windows]
        lengths = np.array([len(row) for row in rows])
        bounds = np.cumsum([0, *lengths], dtype=np.int32)
        positions = np.concatenate([self._positions(row) for row in rows])
        by_token = np.repeat(np.asarray(lang_ids, dtype=np.int64), lengths)
        ids = np.concatenate(rows)
        masked = _NONE if masks is None else masks.on_one_axis(bounds)
        targets = ids[masked]
        if masks is not None:
            ids[masked] = masks.token
        return Packed(
            ids=placed(ids, self.device),
            positions=placed(positions, self.device),
            bounds=placed(bounds, self.device),
            masked=placed(masked, self.device),
            targets=placed(targets, self.device),
            windows=self.attention.layout(lengths, self.device),
            languages=self.adapters.layout(by_token, self.device),
        )

    def _positions(self, row: NDArray[np.int64]) -> NDArray[np.int64]:
        real = row != self.padding_id
        positions: NDArray[np.int64] = np.cumsum(real) * real + self.padding_id
        return positions


_NONE = np.zeros(0, dtype=np.int64)


def placed(values: NDArray[Any], device: torch.device) -> Tensor:
    """``values`` on ``device``."""
    return torch.from_numpy(values).to(device, non_blocking=True)
