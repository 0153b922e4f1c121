"""The shape of an objective, and the batch that all of them share.

Enters: examples of token ids with their `lang_id`. Leaves: padded, masked batches.
Holds: rows of one language are neighbours; special tokens are never masked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase

from pipeline.training.batches import SmoothedBatches
from pipeline.training.trainer import Batch, Example

Loss = Callable[[nn.Module, Tensor, Batch], Tensor]
"""Of a head, the hidden states [rows, tokens, hidden] and the batch; scalar."""


def no_loss(_: nn.Module, hidden: Tensor, __: Batch) -> Tensor:
    """Nothing beside masked LM; scalar 0."""
    return hidden.new_zeros(())


@dataclass(frozen=True)
class Objective:
    """One source of examples, and what is learnt from them beside masked LM."""

    name: str
    share: float
    """Share of the batches."""
    examples: Sequence[Example]
    batches: SmoothedBatches
    """Positions in `examples`, without end."""
    collate: Callable[[list[Example]], Batch]
    loss: Loss = no_loss
    head: nn.Module = field(default_factory=nn.Identity)
    weight: float = 1.0
    """What the loss counts beside that of masked LM."""


class MaskedWindows:
    """Pads token ids and hides `mask_share` of them.

    Of the hidden tokens eight tenths become `<mask>`, one tenth a random token, one tenth stays
    as it was (Devlin et al., BERT, 2019).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mask_share: float) -> None:
        self._collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=mask_share)
        self._special = torch.tensor(sorted(tokenizer.all_special_ids))
        self._padding = cast(int, tokenizer.pad_token_id)

    def __call__(self, rows: Sequence[Example]) -> Batch:
        """Batch: input_ids, attention_mask, hidden_ids [rows, tokens]; lang_ids [rows].

        `hidden_ids` holds the ids of hidden tokens, and IGNORED elsewhere.
        """
        ids = padded([row["input_ids"] for row in rows], self._padding)
        attention = (ids != self._padding).long()
        masked, hidden = self._collator.torch_mask_tokens(
            ids, special_tokens_mask=torch.isin(ids, self._special)
        )
        return {
            "input_ids": masked,
            "attention_mask": attention,
            "hidden_ids": hidden,
            "lang_ids": torch.tensor([row["lang_id"] for row in rows]),
        }


def padded(sequences: Sequence[Sequence[int]], value: int) -> Tensor:
    """int64 [rows, longest], filled up with `value` at the right."""
    return pad_sequence(
        [torch.as_tensor(sequence, dtype=torch.long) for sequence in sequences],
        batch_first=True,
        padding_value=value,
    )
