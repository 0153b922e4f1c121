"""Embeddings: one vector a record.

Enters: hidden states. Leaves: ``embedding``, a fixed-size list. What holds: a long text's vector is
the mean over its windows, weighted by their tokens, then normalised if asked for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pipeline.config import EmbeddingsSettings, Pooling
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import weighted_mean

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class EmbeddingsTask(Task):
    """Pooled token vectors of transformers' ``XmodModel``."""

    architecture = "XmodModel"
    by_token: ClassVar[bool] = False

    def __init__(self, settings: EmbeddingsSettings, checkpoint: Checkpoint) -> None:
        self._settings = settings
        self._size = checkpoint.config.hidden_size

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The vector, in the configured precision."""
        values = pa.float16() if self._settings.dtype == "float16" else pa.float32()
        return (pa.field("embedding", pa.list_(values, self._size)),)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Pooled vectors [windows, hidden]."""
        from pipeline.xmod.pooling import POOLING

        return POOLING[self._settings.pooling](hidden.float(), packed)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's vector [hidden]."""
        vector = weighted_mean(scores, document.windows)
        if self._settings.normalize:
            vector /= max(float(np.linalg.norm(vector)), 1e-12)
        return (vector.astype(self._settings.dtype),)


class PoolerEmbeddingsTask(EmbeddingsTask):
    """What transformers' ``XmodModel`` calls ``pooler_output``."""

    architecture = "PooledEncoder"

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Pooled vectors [windows, hidden]."""
        firsts = hidden.index_select(0, packed.firsts).unsqueeze(1)
        pooled: Tensor = model.roberta.pooler(firsts)
        return pooled.float()


def embeddings_task(settings: EmbeddingsSettings, checkpoint: Checkpoint) -> EmbeddingsTask:
    """The task that ``settings.pooling`` asks for."""
    pooler = settings.pooling is Pooling.POOLER
    return (PoolerEmbeddingsTask if pooler else EmbeddingsTask)(settings, checkpoint)
