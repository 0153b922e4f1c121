"""Fill-mask: predictions for each mask token in a text."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.config import FillMaskSettings
from pipeline.contract import schema
from pipeline.tasks.spans import stripped
from pipeline.tasks.task import Document, Model, Packed, Places, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window, stitched


class FillMaskTask(Task):
    """The likeliest tokens for each mask by transformers' ``XmodForMaskedLM``.

    Probabilities are over the whole vocabulary, as in transformers' fill-mask pipeline.
    """

    architecture = "XmodForMaskedLM"
    fields = (pa.field("mask_predictions", pa.list_(schema.MASK_PREDICTION)),)
    masks = True

    def __init__(self, settings: FillMaskSettings, checkpoint: Checkpoint) -> None:
        self._count = settings.top_k
        self._tokenizer = checkpoint.tokenizer
        self._mask = checkpoint.mask_id

    def masked(self, window: Window) -> Sequence[Places]:
        """The places of the masks that are in the text itself."""
        return (np.flatnonzero(window.ids == self._mask),)

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """[tokens, 2 · top_k]: probabilities, then token ids, at the masks; 0 elsewhere."""
        import torch

        from pipeline.xmod.vocabulary import most_probable

        states = hidden.index_select(0, packed.masked)
        tokens, probabilities = most_probable(model.lm_head, states, self._count)
        found = torch.cat([probabilities, tokens.float()], dim=1)  # exact up to 16 million
        return found.new_zeros(len(hidden), 2 * self._count).index_copy_(0, packed.masked, found)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The predictions for the record's masks, in the order of the text.

        A mask token with ``lstrip``, as XLM-R's is, takes the spaces before it; the span does not.
        """
        ids, starts, ends = document.tokens
        found = stitched(scores, document.stride)
        places = np.flatnonzero(ids == self._mask)
        spans = [stripped(document.text, int(starts[k]), int(ends[k])) for k in places]
        return (
            [
                {"start": start, "end": end, "tokens": self._tokens(found[k])}
                for k, (start, end) in zip(places, spans, strict=True)
            ],
        )

    def _tokens(self, found: Scores) -> list[dict[str, object]]:
        probabilities, tokens = np.split(found, 2)
        return [
            {"token": self._tokenizer.decode([int(token)]), "score": float(probability)}
            for token, probability in zip(tokens, probabilities, strict=True)
        ]
