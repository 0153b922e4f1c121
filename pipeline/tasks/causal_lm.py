"""Causal LM: how likely a text is to a model that reads from left to right.

Enters: hidden states of a decoder's windows. Leaves: ``log_likelihood`` (natural logarithm, the sum
over the text's tokens) and ``perplexity`` (exp of its negative mean; null for a text without
tokens). What holds: each token is guessed from those before it in its window, the first from
``<s>``; where windows overlap, tokens are guessed in the first, which has more before them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pipeline.config import CausalLmSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.likelihood import likelihood
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class CausalLmTask(Task):
    """Likelihood by transformers' ``XmodForCausalLM``."""

    architecture = "XmodForCausalLM"
    by_token: ClassVar[bool] = True

    def __init__(self, _: CausalLmSettings, checkpoint: Checkpoint) -> None:
        require_decoder(checkpoint)

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Log-likelihood and perplexity."""
        return (pa.field("log_likelihood", pa.float32()), pa.field("perplexity", pa.float32()))

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Log-probabilities [tokens] given those before; a window's first has no meaning."""
        import torch

        from pipeline.xmod.vocabulary import log_probabilities

        found = log_probabilities(model.lm_head, hidden[:-1], packed.ids[1:])
        return torch.cat([found.new_zeros(1), found])

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """Sum, and exp of the negative mean, over the text's tokens."""
        return likelihood(stitched(scores, document.stride, from_first=document.stride))


def require_decoder(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where the checkpoint's tokens see those after them."""
    if not checkpoint.config.is_decoder:
        raise CheckpointError(
            f"{checkpoint.folder} has is_decoder false in its config.json: its tokens see those "
            "after them, so that it cannot say how likely they are. Use task masked_lm, or a "
            "checkpoint that was trained as a decoder."
        )
