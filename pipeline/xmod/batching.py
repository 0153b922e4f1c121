"""Micro-batches: which windows go through the model together.

Enters: each window's length and ``lang_id``. Leaves: lists of window positions. What holds: every
window is in exactly one micro-batch; a micro-batch, padded to its longest window, stays within the
token budget unless one window alone exceeds it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def micro_batches(
    lengths: Sequence[int], lang_ids: Sequence[int], max_tokens: int
) -> Iterator[list[int]]:
    """Positions of windows by falling length, filled to ``max_tokens``, sorted by language within.

    Longest first: should memory not suffice, it shows in the first forward and not in the last.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > max_tokens:
            yield sorted(batch, key=lambda i: lang_ids[i])
            batch = []
        batch.append(position)
    if batch:
        yield sorted(batch, key=lambda i: lang_ids[i])


def padded(token_ids: Sequence[ArrayLike], padding_id: int) -> tuple[Tensor, Tensor]:
    """``token_ids`` as int64 [rows, longest], and the attention mask of the same shape."""
    rows = [torch.as_tensor(np.asarray(tokens, dtype=np.int64)) for tokens in token_ids]
    ids = pad_sequence(rows, batch_first=True, padding_value=padding_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids, mask
