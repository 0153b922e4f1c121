"""Shifted positions, so that short texts train every position of the model.

Enters: a padded batch. Leaves: the same batch with `position_ids`.
Holds: a row's positions are consecutive and inside the window; half of the rows start at the
first, as texts of one window do at inference, the others where chance has it (Kiyono et al.,
"SHAPE: Shifted Absolute Position Embedding for Transformers", EMNLP 2021). All rows shifted
learn more slowly.
"""

import torch

from pipeline.training.trainer import Batch

SHIFTED_SHARE = 0.5


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
