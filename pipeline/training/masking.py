"""Masked language modelling: what is hidden from the model, and the loss on it.

Enters: windows of token ids. Leaves: masked batches, and the loss at their masked positions.
Holds: special tokens are never masked; of the masked tokens eight tenths are `<mask>`, one
tenth a random token, one tenth as they were (Devlin et al., BERT, 2019).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase

from pipeline.training.trainer import Batch, Example


class MaskedBatches:
    """Collates windows of one language and masks `mask_share` of their tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mask_share: float) -> None:
        self._mask = DataCollatorForLanguageModeling(tokenizer, mlm_probability=mask_share)
        self._special = np.array(tokenizer.all_special_ids)

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, labels [batch, tokens]; lang_ids [batch]."""
        masked: dict[str, Any] = self._mask([self._example(row) for row in rows])
        return {**masked, "lang_ids": torch.tensor([row["lang_id"] for row in rows])}

    def _example(self, row: Example) -> dict[str, list[int]]:
        ids = row["input_ids"]
        return {
            "input_ids": ids.tolist(),
            "special_tokens_mask": np.isin(ids, self._special).astype(int).tolist(),
        }


def masked_lm_loss(model: nn.Module, inputs: Batch) -> Tensor:
    """Mean cross-entropy over the masked tokens; scalar.

    `inputs`: input_ids, attention_mask, labels [batch, tokens]; lang_ids [batch].
    """
    masked = inputs["labels"] != -100
    encoder, head = model.get_submodule("roberta"), model.get_submodule("lm_head")
    hidden = encoder(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        lang_ids=inputs["lang_ids"],
    ).last_hidden_state
    logits = head(hidden[masked])
    return functional.cross_entropy(logits, inputs["labels"][masked])
