"""Rows of examples → a batch of tensors, sorted by language, so that each adapter runs once.

Positions are shifted, so that short texts train every position of the model: half of the rows start
at the first, as texts of one window do at inference, the others at a random one (Kiyono et al.,
"SHAPE: Shifted Absolute Position Embedding for Transformers", EMNLP 2021). All rows shifted learn
more slowly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint
from transformers import DataCollatorForLanguageModeling

from pipeline.training.codec import Codec
from pipeline.training.labels import IGNORED

Example = dict[str, Any]
Batch = dict[str, Tensor]
Targets = Callable[[list[Example]], Batch]
"""What a head learns, of the rows of a batch."""
Unfold = Callable[[list[Example]], list[Example]]
"""The sequences that rows are read as; each has `input_ids` and `lang_id`."""

SHIFTED_SHARE = 0.5
_MOST_SCORES = 1 << 25
"""Scores of tokens at once, 128 MiB of them; a gradient takes as much again, three times over."""


def one_a_row(rows: list[Example]) -> list[Example]:
    """A row is one sequence."""
    return rows


@dataclass(frozen=True)
class Collator:
    """Makes batches for a head: `targets` says what is learnt of the rows."""

    codec: Codec
    targets: Targets
    unfold: Unfold = one_a_row

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, position_ids [sequences, tokens]; lang_ids; targets."""
        rows = grouped(rows)
        inputs = padded_inputs(self.unfold(rows), self.codec.padding)
        return {**shift_positions(inputs, self.codec), **self.targets(rows)}


class MaskedCollator:
    """Makes batches for masked LM: pads rows and hides `mask_share` of the tokens.

    Of the hidden tokens eight tenths become `<mask>`, one tenth a random token, one tenth stays
    as it was (Devlin et al., BERT, NAACL 2019). Special tokens are never hidden.
    """

    def __init__(self, codec: Codec, mask_share: float = 0.15) -> None:
        self._mask = DataCollatorForLanguageModeling(codec.tokenizer, mlm_probability=mask_share)
        self._special = torch.tensor(sorted(codec.tokenizer.all_special_ids))
        self._codec = codec

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, position_ids, labels [rows, tokens]; lang_ids [rows].

        `labels` holds the ids of hidden tokens, and IGNORED elsewhere.
        """
        return self.in_order(grouped(rows))

    def in_order(self, rows: Sequence[Example]) -> Batch:
        """The batch of rows that are grouped already, or must not be."""
        inputs = padded_inputs(rows, self._codec.padding)
        masked, hidden = self._mask.torch_mask_tokens(
            inputs["input_ids"], special_tokens_mask=torch.isin(inputs["input_ids"], self._special)
        )
        shifted = shift_positions(inputs, self._codec)
        return {**shifted, "input_ids": masked, "labels": hidden}


def masked_lm_loss(
    head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor, vocabulary: int = 1
) -> Tensor:
    """Mean cross-entropy over the hidden tokens, the only ones that `head` runs on; scalar.

    `hidden` [rows, tokens, hidden] are the encoder's states, `labels` [rows, tokens] the ids that
    were hidden, IGNORED elsewhere. Where their scores over the `vocabulary` are too many, `head`
    runs on a part of the places at a time, and once more for its gradient.
    """
    places = labels != IGNORED
    chosen, wanted = hidden[places], labels[places]
    if not torch.is_nonzero(places.any()):
        return head(chosen).sum()  # 0, with a gradient
    most = max(1, _MOST_SCORES // vocabulary)
    if len(wanted) <= most:
        return functional.cross_entropy(head(chosen).float(), wanted)
    parts = zip(torch.split(chosen, most), torch.split(wanted, most), strict=True)
    losses = [checkpoint(_summed_loss, head, *part, use_reentrant=False) for part in parts]
    return torch.stack(losses).sum() / len(wanted)


def _summed_loss(head: Callable[[Tensor], Tensor], hidden: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(head(hidden).float(), wanted, reduction="sum")


def grouped(rows: Sequence[Example]) -> list[Example]:
    """The rows with those of one language beside each other, in the order of `lang_id`."""
    return sorted(rows, key=lambda row: int(row["lang_id"]))


def stacked(*names: str) -> Targets:
    """Of numbers that rows have under `names`; [rows] each."""
    return lambda rows: {name: torch.tensor([int(row[name]) for row in rows]) for name in names}


def padded_inputs(sequences: Sequence[Example], padding: int) -> Batch:
    """input_ids, attention_mask [sequences, tokens]; lang_ids [sequences]."""
    ids = padded([sequence["input_ids"] for sequence in sequences], padding)
    lang_ids = torch.tensor([int(sequence["lang_id"]) for sequence in sequences])
    return {"input_ids": ids, "attention_mask": (ids != padding).long(), "lang_ids": lang_ids}


def padded(sequences: Sequence[Any], value: int) -> Tensor:
    """int64 [rows, longest], filled up with `value` at the right."""
    tensors = [torch.as_tensor(sequence, dtype=torch.long) for sequence in sequences]
    return pad_sequence(tensors, batch_first=True, padding_value=value)


def shift_positions(batch: Batch, codec: Codec) -> Batch:
    """`batch` with position_ids [rows, tokens], which begin after the padding id, as in RoBERTa."""
    mask = batch["attention_mask"]
    room = (codec.window - mask.sum(dim=1, keepdim=True)).clamp(min=0)
    start = (torch.rand(len(mask), 1) * (room + 1)).long()
    start *= torch.rand(len(mask), 1) < SHIFTED_SHARE
    positions = mask.cumsum(dim=1) - 1 + start
    padding = codec.padding
    return {**batch, "position_ids": torch.where(mask.bool(), positions + padding + 1, padding)}
