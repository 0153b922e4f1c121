"""Probabilities of tokens from a language-model head.

Scores are computed for 128 positions at a time: 250,000 float32 scores take a megabyte a position.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Head = Callable[[Tensor], Tensor]
"""[places, hidden] → scores [places, vocabulary]; transformers' ``XmodLMHead``."""

_PLACES = 128


def log_probabilities(head: Head, hidden: Tensor, tokens: Tensor) -> Tensor:
    """Natural log-probabilities of ``tokens`` [places] given ``hidden``; float32 [places]."""
    parts = zip(torch.split(hidden, _PLACES), torch.split(tokens, _PLACES), strict=True)
    return torch.cat(
        [-functional.cross_entropy(head(h).float(), ids, reduction="none") for h, ids in parts]
    )


def most_probable(head: Head, hidden: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` likeliest tokens, int64, and their probabilities, float32: [places, count]."""
    best = [head(part).float().softmax(-1).topk(count) for part in torch.split(hidden, _PLACES)]
    return torch.cat([one.indices for one in best]), torch.cat([one.values for one in best])
