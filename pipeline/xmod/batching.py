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
    side by side share a call of attention. With several ``lanes`` each gets as many micro-batches,
    all of them as large, so that none is without work while another has some.
    """
    left = sum(lengths)
    batches_left = _number(left, max_tokens - max(lengths, default=0) // 2, lanes)
    batch: list[int] = []
    tokens = 0
    for position in sorted(range(len(lengths)), key=lambda i: (lang_ids[i], -lengths[i])):
        length = lengths[position]
        # The window that passes the share goes to whichever of the two it is nearer.
        share = max_tokens if lanes == 1 else left / max(1, batches_left) + length / 2
        if batch and tokens + length > min(share, max_tokens):
            yield batch
            left, batches_left = left - tokens, batches_left - 1
            batch, tokens = [], 0
        batch.append(position)
        tokens += length
    if batch:
        yield batch


def _number(total: int, tokens: int, lanes: int) -> int:
    """Of micro-batches of some ``tokens``: a multiple of ``lanes``, but for tiny ones."""
    wanted = -(-total // (max(1, tokens) * lanes)) * lanes
    return min(wanted, max(1, total // _LEAST))
