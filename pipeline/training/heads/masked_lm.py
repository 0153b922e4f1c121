"""Masked words: domain adaptation, and how well a model guesses them.

Enters: `text`. Leaves: the head MASKED_LM, scored by perplexity at hidden tokens: every seventh
token of a window is hidden at once, seven times over, so that each is guessed once.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional
from transformers import XmodForMaskedLM
from transformers.modeling_outputs import MaskedLMOutput

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, grouped, shift_positions
from pipeline.training.heads.by_language import by_language
from pipeline.training.heads.head import Figures, Head
from pipeline.training.inference import Reader, outputs
from pipeline.training.masking import MaskedWindows, masked_lm_loss
from pipeline.training.packing import pack

MASK_SHARE = 0.15
PASSES = 7
"""Forwards in which each token of a window is hidden once."""


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Windows that are packed full with the texts of one language."""
    languages = table["language"].to_pylist()
    by_name: dict[str, list[str]] = {}
    for text, language in zip(table["text"].to_pylist(), languages, strict=True):
        by_name.setdefault(language, []).append(text)
    return [
        {"input_ids": ids, "lang_id": codec.lang_ids[language]}
        for language, texts in by_name.items()
        for ids in pack(texts, codec.tokenizer, codec.window)
    ]


class MaskedWords(XmodForMaskedLM):  # type: ignore[no-untyped-call]
    """X-MOD whose output layer runs on hidden tokens alone, a small part of all."""

    def forward(self, *, labels: Tensor, **inputs: Any) -> MaskedLMOutput:  # noqa: ANN401
        """The mean loss at `labels` [rows, tokens] that are not IGNORED; 0 where none is hidden."""
        hidden = self.roberta(**inputs).last_hidden_state
        return MaskedLMOutput(loss=masked_lm_loss(self.lm_head, hidden, labels))


class Masked:
    """Hides tokens of windows; their ids are the labels, IGNORED elsewhere."""

    def __init__(self, codec: Codec, mask_share: float = MASK_SHARE) -> None:
        self._codec = codec
        self._mask = MaskedWindows(codec.tokenizer, mask_share)

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, position_ids, labels [rows, tokens]; lang_ids."""
        batch = self._mask(grouped(rows))
        batch["labels"] = batch.pop("hidden_ids")
        return shift_positions(batch, self._codec.window, self._codec.padding)


def score(reader: Reader, table: pa.Table) -> Figures:
    """`masked_perplexity` by language: exp of the mean loss at hidden tokens."""

    def of_rows(rows: pa.Table, language: str) -> dict[str, float]:
        windows = [example["input_ids"] for example in encode(rows, reader.codec)]
        return {"masked_perplexity": float(np.exp(masked_loss(reader, windows, language)))}

    return by_language(reader, table, of_rows)


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
        given: Tensor = reader.model.get_submodule("lm_head")(states[hidden])
        losses = torch.zeros(hidden.shape, device=ids.device)
        losses[hidden] = functional.cross_entropy(given.float(), ids[hidden], reduction="none")
        return torch.stack([losses.sum(dim=1), hidden.sum(dim=1).float()], dim=1)

    return forward


MASKED_LM = Head(
    model=MaskedWords,
    columns=("text",),
    encode=encode,
    collate=Masked,
    score=score,
    selects="masked_perplexity",
    falls=True,
)
