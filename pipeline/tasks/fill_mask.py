"""Fill-mask: what may stand where a text has the tokenizer's mask.

Enters: hidden states. Leaves: ``mask_predictions``, one for each mask, each a
``schema.MASK_PREDICTION``; empty for a text without one. What holds: probabilities are of
the whole vocabulary, as transformers' fill-mask pipeline gives them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pipeline.config import FillMaskSettings
from pipeline.contract import schema
from pipeline.tasks.task import Document, Places, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window, stitched

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class FillMaskTask(Task):
    """The best tokens by transformers' ``XmodForMaskedLM``."""

    architecture = "XmodForMaskedLM"
    by_token: ClassVar[bool] = True
    masks: ClassVar[bool] = True

    def __init__(self, settings: FillMaskSettings, checkpoint: Checkpoint) -> None:
        self._count = settings.top_k
        self._tokenizer = checkpoint.tokenizer
        self._mask = checkpoint.mask_id

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """A list of masks."""
        return (pa.field("mask_predictions", pa.list_(schema.MASK_PREDICTION)),)

    def masked(self, window: Window) -> Sequence[Places]:
        """The masks that the text has itself."""
        return (np.flatnonzero(window.ids == self._mask),)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """[tokens, 2 × top_k]: probabilities, then tokens, at masks; 0 elsewhere."""
        import torch

        from pipeline.xmod.vocabulary import most_probable

        states = hidden.index_select(0, packed.masked)
        tokens, probabilities = most_probable(model.lm_head, states, self._count)
        found = torch.cat([probabilities, tokens.float()], dim=1)  # floats count to 16 million
        return found.new_zeros(len(hidden), 2 * self._count).index_copy_(0, packed.masked, found)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's masks in the order of the text."""
        windows, stride = document.windows, document.stride
        ids, starts, ends = (
            stitched([getattr(window, name) for window in windows], stride)
            for name in ("ids", "starts", "ends")
        )
        found = stitched(scores, stride)
        places = np.flatnonzero(ids == self._mask)
        return (
            [
                {"start": int(starts[k]), "end": int(ends[k]), "tokens": self._tokens(found[k])}
                for k in places
            ],
        )

    def _tokens(self, found: Scores) -> list[dict[str, object]]:
        probabilities, tokens = np.split(found, 2)
        return [
            {"token": self._tokenizer.decode([int(token)]), "score": float(probability)}
            for token, probability in zip(tokens, probabilities, strict=True)
        ]
