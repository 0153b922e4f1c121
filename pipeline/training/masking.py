"""Masked windows: tokens are hidden, and the model guesses them from the others.

Enters: examples of token ids with their `lang_id`. Leaves: padded, masked batches.
Holds: special tokens are never masked; the loss is a mean over the hidden tokens alone, and the
output layer runs on these only (Devlin et al., BERT, NAACL 2019).
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase

from pipeline.training.collate import Batch, Example, padded_inputs
from pipeline.training.labels import IGNORED


class MaskedWindows:
    """Pads token ids and hides `mask_share` of them.

    Of the hidden tokens eight tenths become `<mask>`, one tenth a random token, one tenth stays
    as it was (Devlin et al.).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mask_share: float) -> None:
        self._collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=mask_share)
        self._special = torch.tensor(sorted(tokenizer.all_special_ids))
        self._padding = cast(int, tokenizer.pad_token_id)

    def __call__(self, rows: Sequence[Example]) -> Batch:
        """Batch: input_ids, attention_mask, hidden_ids [rows, tokens]; lang_ids [rows].

        `hidden_ids` holds the ids of hidden tokens, and IGNORED elsewhere.
        """
        inputs = padded_inputs(rows, self._padding)
        masked, hidden = self._collator.torch_mask_tokens(
            inputs["input_ids"],
            special_tokens_mask=torch.isin(inputs["input_ids"], self._special),
        )
        return {**inputs, "input_ids": masked, "hidden_ids": hidden}


def masked_lm_loss(head: nn.Module, hidden: Tensor, hidden_ids: Tensor) -> Tensor:
    """Mean cross-entropy over the hidden tokens; scalar.

    `hidden` [rows, tokens, hidden] are the encoder's states, `hidden_ids` [rows, tokens] the ids
    that were hidden, IGNORED elsewhere.
    """
    places = hidden_ids != IGNORED
    logits: Tensor = head(hidden[places])
    if not torch.is_nonzero(places.any()):
        return logits.sum()  # 0, with a gradient
    return functional.cross_entropy(logits.float(), hidden_ids[places])
