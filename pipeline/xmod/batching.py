"""Micro-batches: which windows go through the model together.

Enters: each window's length and ``lang_id``. Leaves: lists of window positions. What holds: every
window is in exactly one micro-batch; a micro-batch stays within the token budget unless one window
alone exceeds it.
"""

from collections.abc import Iterator, Sequence


def micro_batches(
    lengths: Sequence[int], lang_ids: Sequence[int], max_tokens: int
) -> Iterator[list[int]]:
    """Positions of windows by language and within one by falling length, up to ``max_tokens``.

    Few languages in a micro-batch make large products of their adapters; windows of one length
    side by side share a call of attention.
    """
    batch: list[int] = []
    tokens = 0
    for position in sorted(range(len(lengths)), key=lambda i: (lang_ids[i], -lengths[i])):
        if batch and tokens + lengths[position] > max_tokens:
            yield batch
            batch, tokens = [], 0
        batch.append(position)
        tokens += lengths[position]
    if batch:
        yield batch
