"""The next token: X-MOD as a decoder, scored by perplexity."""

from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor
from transformers import XmodForCausalLM

from pipeline.training.collate import Batch, Example, padded
from pipeline.training.heads.head import Head
from pipeline.training.heads.masked_lm import encode
from pipeline.training.inference import Reader, outputs
from pipeline.training.labels import IGNORED
from pipeline.xmod.vocabulary import log_probabilities


def targets(rows: list[Example]) -> Batch:
    """The tokens themselves, which transformers' loss shifts by one; [rows, tokens]."""
    return {"labels": padded([row["input_ids"] for row in rows], IGNORED)}


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`perplexity`: exp of the mean loss of a window's tokens after the first."""
    model: Any = reader.model

    def forward(batch: Batch) -> Tensor:
        hidden = model.base_model(**batch).last_hidden_state
        guessed = batch["attention_mask"][:, 1:].bool()
        found = log_probabilities(
            model.lm_head, hidden[:, :-1][guessed], batch["input_ids"][:, 1:][guessed]
        )
        losses = hidden.new_zeros(guessed.shape)
        losses[guessed] = -found.to(losses.dtype)
        total: Tensor = losses.sum(dim=1)
        return total

    windows = [example["input_ids"] for example in encode(rows, reader.codec)]
    guessed = sum(len(window) - 1 for window in windows)
    total = float(np.sum(outputs(reader, windows, language, forward)))
    return {"perplexity": float(np.exp(total / max(guessed, 1)))}


CAUSAL_LM = Head(
    model=XmodForCausalLM,
    columns=("text",),
    encode=encode,
    targets=targets,
    scored=scored,
    selects="perplexity",
    falls=True,
    options=(("is_decoder", True),),
)
