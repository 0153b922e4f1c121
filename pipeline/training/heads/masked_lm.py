"""Masked words: domain adaptation, and how well a model guesses them.

Scored by perplexity at hidden tokens: every seventh token of a window is hidden at once, seven
times over, so that each is guessed once.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, XmodForMaskedLM
from transformers.modeling_outputs import MaskedLMOutput

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, masked_lm_loss
from pipeline.training.heads.head import Head
from pipeline.training.inference import Reader, outputs
from pipeline.xmod.vocabulary import log_probabilities

PASSES = 7
"""Forwards in which each token of a window is hidden once."""


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Windows that are packed full with the texts of one language."""
    by_name: dict[str, list[str]] = {}
    rows = zip(table["text"].to_pylist(), table["language"].to_pylist(), strict=True)
    for text, language in rows:
        by_name.setdefault(language, []).append(text)
    return [
        {"input_ids": ids, "lang_id": codec.lang_ids[language]}
        for language, texts in by_name.items()
        for ids in pack(texts, codec.tokenizer, codec.window)
    ]


def pack(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, window: int) -> list[np.ndarray]:
    """Windows `<s> text </s> text </s> …` of at most `window` token ids; all are full but the last.

    Every position of the model is trained so.
    """
    encoded = tokenizer(
        list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
    )["input_ids"]
    stream = np.concatenate(
        [np.array([*ids, tokenizer.eos_token_id], dtype=np.int32) for ids in encoded]
    )
    body = window - 1
    return [
        np.concatenate([[tokenizer.bos_token_id], stream[start : start + body]]).astype(np.int32)
        for start in range(0, len(stream), body)
    ]


class MaskedWords(XmodForMaskedLM):  # type: ignore[no-untyped-call]
    """X-MOD whose output layer runs on hidden tokens alone, a small part of all."""

    def forward(self, *, labels: Tensor, **inputs: Any) -> MaskedLMOutput:  # noqa: ANN401
        """The mean loss at `labels` [rows, tokens] that are not IGNORED; 0 where none is hidden."""
        hidden, size = self.roberta(**inputs).last_hidden_state, self.config.vocab_size
        return MaskedLMOutput(loss=masked_lm_loss(self.lm_head, hidden, labels, size))


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`masked_perplexity`: exp of the mean loss at hidden tokens."""
    windows = [example["input_ids"] for example in encode(rows, reader.codec)]
    return {"masked_perplexity": float(np.exp(masked_loss(reader, windows, language)))}


def masked_loss(
    reader: Reader, windows: list[np.ndarray], language: str, *, passes: int = PASSES
) -> float:
    """Mean cross-entropy, in nats, of the windows' tokens, each hidden once with a seventh.

    With fewer `passes` only some are. NaN where nothing can be hidden: unknown tokens are not, as
    they are none of the text's own.
    """
    mask = int(reader.codec.tokenizer.mask_token_id or 0)
    special = torch.tensor(reader.codec.tokenizer.all_special_ids)
    losses = [
        outputs(reader, windows, language, _hidden_losses(reader, first, mask, special))
        for first in range(passes)
    ]
    sums = np.sum([np.stack(some).sum(axis=0) for some in losses], axis=0)
    return float(sums[0] / sums[1]) if sums[1] else math.nan


def _hidden_losses(
    reader: Reader, first: int, mask: int, special: Tensor
) -> Callable[[Batch], Tensor]:
    """A forward that hides every seventh token from `first`; their loss and number, [rows, 2]."""

    def forward(batch: Batch) -> Tensor:
        ids = batch["input_ids"]
        places = torch.arange(ids.shape[1], device=ids.device) % PASSES == first
        hidden = places & ~torch.isin(ids, special.to(ids.device))
        states = reader.model.base_model(
            **{**batch, "input_ids": ids.masked_fill(hidden, mask)}
        ).last_hidden_state
        head = reader.model.get_submodule("lm_head")
        losses = torch.zeros(hidden.shape, device=ids.device)
        losses[hidden] = -log_probabilities(head, states[hidden], ids[hidden])
        return torch.stack([losses.sum(dim=1), hidden.sum(dim=1).float()], dim=1)

    return forward


MASKED_LM = Head(
    model=MaskedWords,
    columns=("text",),
    encode=encode,
    scored=scored,
    selects="masked_perplexity",
    falls=True,
)
