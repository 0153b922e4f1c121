"""The next token: X-MOD as a decoder.

Enters: `text`. Leaves: the head CAUSAL_LM, scored by perplexity: each token from those before it in
its window. Holds: the model becomes a decoder (`is_decoder`), whose tokens see no later ones.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor
from transformers import XmodForCausalLM

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Collator, Example, padded
from pipeline.training.heads.by_language import by_language
from pipeline.training.heads.head import Figures, Head
from pipeline.training.heads.masked_lm import encode
from pipeline.training.inference import Reader, outputs
from pipeline.training.labels import IGNORED
from pipeline.xmod.vocabulary import log_probabilities


def targets(rows: list[Example]) -> Batch:
    """The tokens themselves, which transformers' loss shifts by one; [rows, tokens]."""
    return {"labels": padded([row["input_ids"] for row in rows], IGNORED)}


def collate(codec: Codec) -> Collator:
    """Pads windows."""
    return codec.collator(targets)


def score(reader: Reader, table: pa.Table) -> Figures:
    """`perplexity` by language: exp of the mean loss of a window's tokens after the first."""
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

    def of_rows(rows: pa.Table, language: str) -> dict[str, float]:
        windows = [example["input_ids"] for example in encode(rows, reader.codec)]
        guessed = sum(len(window) - 1 for window in windows)
        total = float(np.sum(outputs(reader, windows, language, forward)))
        return {"perplexity": float(np.exp(total / max(guessed, 1)))}

    return by_language(reader, table, of_rows)


CAUSAL_LM = Head(
    model=XmodForCausalLM,
    columns=("text",),
    encode=encode,
    collate=collate,
    score=score,
    selects="perplexity",
    falls=True,
    options=(("is_decoder", True),),
)
