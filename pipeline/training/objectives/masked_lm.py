"""Masked language modelling on windows packed with text, and the loss on any masked batch.

Enters: windows of token ids. Leaves: an objective without labels of its own.
Holds: the loss is a mean over the hidden tokens alone (Devlin et al., BERT, 2019); the output
layer runs on these only.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from pipeline.training.batches import SmoothedBatches
from pipeline.training.config import PretrainConfig
from pipeline.training.labels import IGNORED
from pipeline.training.objectives.objective import MaskedWindows, Objective
from pipeline.training.trainer import Example, by_language


def masked_lm(
    config: PretrainConfig, tokenizer: PreTrainedTokenizerBase, windows: list[Example]
) -> Objective:
    """The objective of plain text; it has the share that the others leave."""
    mask = MaskedWindows(tokenizer, config.mask_share)
    return Objective(
        name="masked_lm",
        share=1.0 - config.objectives.share,
        examples=windows,
        batches=SmoothedBatches.of(
            windows,
            config.optimisation.batch_size,
            config.language_smoothing,
            seed=config.seed_of("masked_lm"),
        ),
        collate=lambda rows: mask(by_language(rows)),
    )


def masked_lm_loss(head: nn.Module, hidden: Tensor, hidden_ids: Tensor) -> Tensor:
    """Mean cross-entropy over the hidden tokens; scalar.

    `hidden` [rows, tokens, hidden] are the encoder's states, `hidden_ids` [rows, tokens] the ids
    that were hidden, IGNORED elsewhere.
    """
    places = hidden_ids != IGNORED
    logits: Tensor = head(hidden[places])
    if not torch.is_nonzero(places.any()):
        return logits.sum()  # 0, with a gradient
    return functional.cross_entropy(logits, hidden_ids[places])
