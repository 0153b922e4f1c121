"""Texts go on, token by token.

Enters: an encoder that reads from left to right, a head, and token ids. Leaves: the ids that
follow. What holds: the likeliest token is taken each time, as transformers' ``generate`` does
without sampling; a text that has ended takes part in no further forward.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.xmod.encoder import PackedEncoder

Ids = NDArray[np.int64]


@torch.inference_mode()
def greedy(
    encoder: PackedEncoder,
    head: Callable[[Tensor], Tensor],
    prompts: Sequence[Ids],
    lang_ids: Sequence[int],
    *,
    new_tokens: int,
    end: int,
) -> list[Ids]:
    """The ids that follow each of ``prompts``: ``new_tokens`` at most, up to ``end`` without it."""
    texts = [list(prompt) for prompt in prompts]
    going_on = list(range(len(texts)))
    for _ in range(new_tokens):
        packed = encoder.pack(
            [np.array(texts[place]) for place in going_on], [lang_ids[place] for place in going_on]
        )
        lasts = encoder(packed).index_select(0, packed.bounds[1:] - 1)
        chosen = head(lasts).argmax(-1).tolist()
        for place, token in zip(going_on, chosen, strict=True):
            texts[place].append(token)
        going_on = [place for place in going_on if texts[place][-1] != end]
        if not going_on:
            break
    return [
        np.array([token for token in text[len(prompt) :] if token != end], dtype=np.int64)
        for text, prompt in zip(texts, prompts, strict=True)
    ]
