"""Micro-batches: which windows go through the model together.

Enters: each window's length and ``lang_id``. Leaves: lists of window positions. What holds: every
window is in exactly one micro-batch; a micro-batch stays within the token budget unless one window
alone exceeds it.
"""

from collections.abc import Iterator, Sequence

_LEAST = 256
"""Tokens below which a forward's steps cost more than what they compute."""


def micro_batches(
    lengths: Sequence[int], lang_ids: Sequence[int], max_tokens: int, lanes: int = 1
) -> Iterator[list[int]]:
    """Positions of windows by language and within one by falling length, up to ``max_tokens``.

    Few languages in a micro-batch make large products of their adapters; windows of one length
    side by side share a call of attention. With several ``lanes`` batches are smaller where that
    gives each lane as much to do as the others.
    """
    budget = max_tokens if lanes == 1 else _shared(sum(lengths), max_tokens, lanes)
    batch: list[int] = []
    tokens = 0
    for position in sorted(range(len(lengths)), key=lambda i: (lang_ids[i], -lengths[i])):
        if batch and tokens + lengths[position] > budget:
            yield batch
            batch, tokens = [], 0
        batch.append(position)
        tokens += lengths[position]
    if batch:
        yield batch


def _shared(total: int, max_tokens: int, lanes: int) -> int:
    """The largest budget within ``max_tokens`` with which each lane has as many batches."""
    turns = max(1, -(-total // (max_tokens * lanes)))
    return min(max_tokens, max(_LEAST, -(-total // (turns * lanes))))
