"""Texts cut into windows as the tokenize stage cuts them, without a block around them."""

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from pipeline.tasks.task import Document
from pipeline.xmod.packed import Packed
from pipeline.xmod.windows import Window


def make_document(
    tokenizer: PreTrainedTokenizerBase, text: str, *, max_length: int = 128, stride: int = 4
) -> Document:
    """``text`` with its windows."""
    encoding = tokenizer(
        text,
        truncation=True,
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    windows = [
        Window(np.array(ids), *np.array(spans).T)
        for ids, spans in zip(encoding["input_ids"], encoding["offset_mapping"], strict=True)
    ]
    return Document(text, windows, stride)


def windows_of(*lengths: int) -> list[Window]:
    """Windows of these lengths; their tokens do not matter."""
    return [Window(*[np.zeros(length, dtype=np.int32)] * 3) for length in lengths]


def spelled(text: str, *tokens: str) -> Document:
    """``text`` in one window whose tokens are ``tokens``, found from left to right."""
    spans, position = [(0, 0)], 0
    for token in tokens:
        start = text.index(token, position)
        position = start + len(token)
        spans.append((start, position))
    starts, ends = np.array([*spans, (0, 0)], dtype=np.int32).T
    return Document(text, [Window(np.full(len(starts), 9), starts, ends)], stride=0)


def packed_of(*lengths: int) -> Packed:
    """A micro-batch of windows of these lengths, as tasks see it."""
    tokens = torch.zeros(sum(lengths), dtype=torch.int64)
    bounds = torch.from_numpy(np.cumsum([0, *lengths], dtype=np.int32))
    return Packed(tokens, tokens, bounds, tokens[:0], tokens[:0], attend=None, route=None)


def cut_at_the_earlier(found: list[dict]) -> list[dict]:
    """Transformers' entities, which overlap where two tokens share a character, without that."""
    kept: list[dict] = []
    for entity in found:
        start = max(entity["start"], kept[-1]["end"] if kept else 0)
        if start < entity["end"]:
            kept.append({**entity, "start": start})
    return kept
