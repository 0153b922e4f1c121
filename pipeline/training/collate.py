"""Rows of examples → a batch of tensors.

Enters: encoded examples, each with a `lang_id`. Leaves: padded ids, mask, positions, lang_ids.
Holds: rows are sorted by language, so that each adapter runs once; positions are shifted, so that
short texts train every position of the model.

Half of the rows start at the first position, as texts of one window do at inference, the others
where chance has it (Kiyono et al., "SHAPE: Shifted Absolute Position Embedding for Transformers",
EMNLP 2021). All rows shifted learn more slowly.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

Example = dict[str, Any]
Batch = dict[str, Tensor]
Targets = Callable[[list[Example]], Batch]
"""What a head learns, of the rows of a batch."""
Unfold = Callable[[list[Example]], list[Example]]
"""The sequences that rows are read as; each has `input_ids` and `lang_id`."""

SHIFTED_SHARE = 0.5


class Collator:
    """Makes batches for a head: `targets` says what is learnt of the rows.

    A row is one sequence unless `unfold` makes several of it; `window` is how many positions the
    model has, `padding` the id of its padding token.
    """

    def __init__(
        self, window: int, padding: int, targets: Targets, unfold: Unfold = lambda rows: rows
    ) -> None:
        self._window = window
        self._padding = padding
        self._targets = targets
        self._unfold = unfold

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, position_ids [sequences, tokens]; lang_ids; targets."""
        rows = grouped(rows)
        inputs = padded_inputs(self._unfold(rows), self._padding)
        return {**shift_positions(inputs, self._window, self._padding), **self._targets(rows)}


def grouped(rows: Sequence[Example]) -> list[Example]:
    """The rows with those of one language beside each other, in the order of `lang_id`."""
    return sorted(rows, key=lambda row: int(row["lang_id"]))


def padded_inputs(sequences: Sequence[Example], padding: int) -> Batch:
    """input_ids, attention_mask [sequences, tokens]; lang_ids [sequences]."""
    ids = padded([sequence["input_ids"] for sequence in sequences], padding)
    return {
        "input_ids": ids,
        "attention_mask": (ids != padding).long(),
        "lang_ids": torch.tensor([int(sequence["lang_id"]) for sequence in sequences]),
    }


def padded(sequences: Sequence[Any], value: int) -> Tensor:
    """int64 [rows, longest], filled up with `value` at the right."""
    return pad_sequence(
        [torch.as_tensor(sequence, dtype=torch.long) for sequence in sequences],
        batch_first=True,
        padding_value=value,
    )


def shift_positions(batch: Batch, window: int, padding: int) -> Batch:
    """`batch` with position_ids [rows, tokens].

    `window` is the number of the model's positions, which begin after the `padding` id, as in
    RoBERTa.
    """
    mask = batch["attention_mask"]
    room = (window - mask.sum(dim=1, keepdim=True)).clamp(min=0)
    start = (torch.rand(len(mask), 1) * (room + 1)).long()
    start *= torch.rand(len(mask), 1) < SHIFTED_SHARE
    positions = mask.cumsum(dim=1) - 1 + start
    return {**batch, "position_ids": torch.where(mask.bool(), positions + padding + 1, padding)}
