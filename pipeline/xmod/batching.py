"""Micro-batches: which windows go through the model together."""

from collections.abc import Iterator, Sequence

_LEAST = 256
"""Tokens below which the fixed cost of a forward exceeds its arithmetic."""


def micro_batches(
    lengths: Sequence[int], adapter_indices: Sequence[int], max_tokens: int, lanes: int = 1
) -> Iterator[list[int]]:
    """Positions of windows, each in one micro-batch, sorted by adapter and by falling length.

    Few languages in a micro-batch make large products in the adapters, and adjacent windows of one
    length share a call of attention. A micro-batch has at most ``max_tokens`` tokens, unless a
    single window has more. Several ``lanes`` get equally many micro-batches of equal size, so that
    none is idle while another has work.
    """
    left = sum(lengths)
    batches_left = _number(left, max_tokens - max(lengths, default=0) // 2, lanes)
    batch: list[int] = []
    tokens = 0
    for position in sorted(range(len(lengths)), key=lambda i: (adapter_indices[i], -lengths[i])):
        length = lengths[position]
        # The window that crosses the share goes to the nearer one of the two micro-batches.
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
    """How many micro-batches of ``tokens``: a multiple of ``lanes``, unless they would be tiny."""
    wanted = -(-total // (max(1, tokens) * lanes)) * lanes
    return min(wanted, max(1, total // _LEAST))
