"""Masked LM: how likely a text is to a model that sees the tokens on both sides."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from pipeline.config import MaskedLmSettings
from pipeline.tasks.causal_lm import likelihood
from pipeline.tasks.task import Document, Model, Packed, Places, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window, stitched


class MaskedLmTask(Task):
    """Pseudo-log-likelihood and pseudo-perplexity by transformers' ``XmodForMaskedLM``.

    Each token is masked once, together with every ``passes``-th other token of its window. The more
    passes, the nearer to masking one token at a time (Salazar et al., "Masked Language Model
    Scoring", ACL 2020).
    """

    architecture = "XmodForMaskedLM"
    fields = tuple(
        pa.field(f"pseudo_{name}", pa.float32()) for name in ("log_likelihood", "perplexity")
    )
    masks = True

    def __init__(self, settings: MaskedLmSettings, checkpoint: Checkpoint) -> None:
        _ = checkpoint.mask_id  # a checkpoint without one fails in planning, not in an actor
        self._passes = settings.passes

    def masked(self, window: Window) -> Sequence[Places]:
        """Every ``passes``-th token of the text, from the first, from the second, and so on."""
        places = np.arange(1, len(window) - 1)
        return [places[first :: self._passes] for first in range(self._forwards(window))]

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Log-probabilities [tokens] of the masked tokens; 0 elsewhere."""
        from pipeline.xmod.vocabulary import log_probabilities

        states = hidden.index_select(0, packed.masked)
        found = log_probabilities(model.lm_head, states, packed.targets)
        return found.new_zeros(len(hidden)).index_copy_(0, packed.masked, found)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """Both figures over the text's tokens; a window's forwards add up to all its tokens."""
        rest = iter(scores)
        by_window = [
            np.sum(list(islice(rest, self._forwards(window))), axis=0)
            for window in document.windows
        ]
        return likelihood(stitched(by_window, document.stride))

    def _forwards(self, window: Window) -> int:
        return max(1, min(self._passes, len(window) - 2))
