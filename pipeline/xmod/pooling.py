"""Token vectors → one vector a window, one function a mode.

Enters: hidden states [tokens, hidden] and the packing. Leaves: [windows, hidden]. What holds: a
window's vector comes from its own tokens alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.config import Pooling
from pipeline.xmod.packed import Packed


def mean_pooling(hidden: Tensor, packed: Packed) -> Tensor:
    """Mean over all tokens, special ones included, as sentence-transformers does."""
    # ``unsafe`` leaves out a check of the lengths that would make a GPU wait.
    return torch.segment_reduce(hidden, "mean", lengths=packed.lengths, axis=0, unsafe=True)


def cls_pooling(hidden: Tensor, packed: Packed) -> Tensor:
    """The first token's vector."""
    return hidden.index_select(0, packed.firsts)


POOLING: dict[Pooling, Callable[[Tensor, Packed], Tensor]] = {
    Pooling.MEAN: mean_pooling,
    Pooling.CLS: cls_pooling,
}
