"""Embeddings: one vector a record."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.config import EmbeddingsSettings, Pooling
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor, vectors
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import weighted_mean


class EmbeddingsTask(Task):
    """Pooled hidden states of transformers' ``XmodModel``.

    The vector of a long text is the mean over its windows, weighted by their numbers of tokens; it
    is normalized after that.
    """

    by_token = False

    def __init__(self, settings: EmbeddingsSettings, checkpoint: Checkpoint) -> None:
        self._settings = settings
        pooler = settings.pooling is Pooling.POOLER
        self.architecture = "PooledEncoder" if pooler else "XmodModel"
        size = checkpoint.config.hidden_size
        self.fields = (pa.field("embedding", vectors(settings.dtype, size)),)

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Pooled vectors [windows, hidden], float32."""
        match self._settings.pooling:
            case Pooling.CLS:
                return packed.first_tokens(hidden).float()
            case Pooling.POOLER:
                pooled: Tensor = model.pooler(packed.first_tokens(hidden).unsqueeze(1))
                return pooled.float()
            case Pooling.MEAN:
                return _mean(hidden.float(), packed)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's vector [hidden]."""
        vector = weighted_mean(scores, document.windows)
        if self._settings.normalize:
            vector /= max(float(np.linalg.norm(vector)), 1e-12)
        return (vector.astype(self._settings.dtype),)


def _mean(hidden: Tensor, packed: Packed) -> Tensor:
    """Over all tokens, special ones included, as in sentence-transformers."""
    import torch

    # ``unsafe`` omits a check of the lengths that would make a GPU wait.
    return torch.segment_reduce(hidden, "mean", lengths=packed.lengths, axis=0, unsafe=True)
