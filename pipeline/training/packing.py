"""Texts of one language packed into windows of full length.

Enters: token ids of consecutive texts. Leaves: windows `<s> text </s> text </s> …`.
Holds: every position of the model is trained; no window mixes languages; no token is lost
except those that a window's special tokens replace at a cut.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase


def pack(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, window: int) -> list[np.ndarray]:
    """Windows of at most `window` token ids; all are full but the last; dtype int32."""
    encoded = tokenizer(
        list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
    )["input_ids"]
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    stream = _joined(encoded, end)
    body = window - 1
    return [
        np.concatenate([[begin], stream[start : start + body]]).astype(np.int32)
        for start in range(0, len(stream), body)
    ]


def _joined(encoded: Iterable[Sequence[int]], end: int) -> np.ndarray:
    return np.concatenate([np.array([*ids, end], dtype=np.int32) for ids in encoded])
