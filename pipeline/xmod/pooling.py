"""Token vectors → one vector a window, one function a mode.

Enters: hidden states [rows, tokens, hidden] and attention mask [rows, tokens]. Leaves: [rows,
hidden]. What holds: padding changes nothing.
"""

from collections.abc import Callable

from torch import Tensor

from pipeline.settings import Pooling


def mean_pooling(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean over the attention mask, special tokens included, as sentence-transformers does."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)


def cls_pooling(hidden: Tensor, mask: Tensor) -> Tensor:
    """The first token's vector."""
    return hidden[:, 0]


POOLING: dict[Pooling, Callable[[Tensor, Tensor], Tensor]] = {
    Pooling.MEAN: mean_pooling,
    Pooling.CLS: cls_pooling,
}
