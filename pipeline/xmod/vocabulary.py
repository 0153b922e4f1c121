"""What a language-model head says of tokens.

Enters: hidden states [places, hidden] and a head that makes them scores of the whole vocabulary.
Leaves: log-probabilities of given tokens, or the most probable tokens. What holds: scores of the
whole vocabulary are held for a few places at a time: of 250,000 tokens a place takes a megabyte.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Head = Callable[[Tensor], Tensor]
"""[places, hidden] → [places, vocabulary]; transformers' ``XmodLMHead``."""

_PLACES = 128


def log_probabilities(head: Head, hidden: Tensor, tokens: Tensor) -> Tensor:
    """float32 [places]: the natural logarithm of the probability of ``tokens`` [places]."""
    parts = zip(torch.split(hidden, _PLACES), torch.split(tokens, _PLACES), strict=True)
    return torch.cat(
        [
            -functional.cross_entropy(head(some).float(), ids, reduction="none")
            for some, ids in parts
        ]
    )


def most_probable(head: Head, hidden: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Tokens, int64, and their probabilities, float32, [places, count] each; the best first."""
    best = [head(some).float().softmax(-1).topk(count) for some in torch.split(hidden, _PLACES)]
    return torch.cat([one.indices for one in best]), torch.cat([one.values for one in best])
