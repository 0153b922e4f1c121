"""Masked LM: how likely a text is to a model that sees the words on both sides.

Enters: hidden states of windows in which some tokens are masked. Leaves:
``pseudo_log_likelihood`` (natural logarithm, the sum over the text's tokens) and
``pseudo_perplexity`` (exp of its negative mean; null for a text without tokens). What holds: each
token is masked once, with every ``passes``-th other token of its window; the more passes, the
nearer to masking one token at a time (Salazar et al., "Masked Language Model Scoring", ACL 2020).
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pipeline.config import MaskedLmSettings
from pipeline.tasks.likelihood import likelihood
from pipeline.tasks.task import Document, Places, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window, stitched

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class MaskedLmTask(Task):
    """Pseudo-likelihood by transformers' ``XmodForMaskedLM``."""

    architecture = "XmodForMaskedLM"
    by_token: ClassVar[bool] = True
    masks: ClassVar[bool] = True

    def __init__(self, settings: MaskedLmSettings, checkpoint: Checkpoint) -> None:
        _ = checkpoint.mask_id  # a job without one fails now, and not first in an actor
        self._passes = settings.passes

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Log-likelihood and perplexity, both of them pseudo."""
        return (
            pa.field("pseudo_log_likelihood", pa.float32()),
            pa.field("pseudo_perplexity", pa.float32()),
        )

    def masked(self, window: Window) -> Sequence[Places]:
        """Every ``passes``-th token of the text, from the first, from the second, and so on."""
        places = np.arange(1, len(window) - 1)
        return [places[first :: self._passes] for first in range(self._forwards(window))]

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Log-probabilities [tokens] of what is masked; 0 elsewhere."""
        from pipeline.xmod.vocabulary import log_probabilities

        found = log_probabilities(
            model.lm_head, hidden.index_select(0, packed.masked), packed.targets
        )
        return found.new_zeros(len(hidden)).index_copy_(0, packed.masked, found)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """Sum, and exp of the negative mean, over the text's tokens."""
        return likelihood(stitched(list(self._by_window(document, scores)), document.stride))

    def _by_window(self, document: Document, scores: Sequence[Scores]) -> Iterator[Scores]:
        """The results of each window's forwards as one: each has what the others lack."""
        rest = iter(scores)
        for window in document.windows:
            yield np.sum(list(islice(rest, self._forwards(window))), axis=0)

    def _forwards(self, window: Window) -> int:
        return max(1, min(self._passes, len(window) - 2))
