"""Causal LM: how likely a text is to a model that reads from left to right."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.config import CausalLmSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched


class CausalLmTask(Task):
    """Log-likelihood and perplexity by transformers' ``XmodForCausalLM``.

    Each token is predicted from those before it in its window, the first from ``<s>``. Tokens that
    two windows share are predicted in the first one, which has more before them.
    """

    architecture = "XmodForCausalLM"
    fields = (pa.field("log_likelihood", pa.float32()), pa.field("perplexity", pa.float32()))

    def __init__(self, _: CausalLmSettings, checkpoint: Checkpoint) -> None:
        require_decoder(checkpoint)

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Log-probabilities [tokens] given those before; that of a window's first has no use."""
        import torch

        from pipeline.xmod.vocabulary import log_probabilities

        found = log_probabilities(model.lm_head, hidden[:-1], packed.ids[1:])
        return torch.cat([found.new_zeros(1), found])

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """Log-likelihood and perplexity of the text's tokens."""
        return likelihood(stitched(scores, document.stride, from_first=document.stride))


def likelihood(log_probabilities: Scores) -> tuple[float, float | None]:
    """The sum of natural log-probabilities [tokens], and exp of their negative mean.

    A text without tokens has no perplexity.
    """
    if not len(log_probabilities):
        return 0.0, None
    exact = log_probabilities.astype(np.float64)
    return float(exact.sum()), float(np.exp(-exact.mean()))


def require_decoder(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where the checkpoint's tokens see those after them."""
    if not checkpoint.config.is_decoder:
        raise CheckpointError(
            f"{checkpoint.folder} has is_decoder false in its config.json: its tokens see those "
            "after them, so that it cannot predict them. Use task masked_lm, or a checkpoint that "
            "was trained as a decoder."
        )
