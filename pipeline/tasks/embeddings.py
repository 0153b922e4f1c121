"""Embeddings: one vector a record."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.config import EmbeddingsSettings, Pooling
from pipeline.errors import CheckpointError
from pipeline.tasks.model_inputs import ModelInput
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor, vectors
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.files import POOLING
from pipeline.xmod.sentence_modules import default_prompt, longest_input, normalizes, recipe_of
from pipeline.xmod.windows import weighted_mean


class EmbeddingsTask(Task):
    """Pooled hidden states of transformers' ``XmodModel``, as sentence-transformers makes them.

    The vector of a long text is the mean over its windows, weighted by their numbers of tokens; it
    is normalized after that.
    """

    by_token = False

    def __init__(self, settings: EmbeddingsSettings, checkpoint: Checkpoint) -> None:
        self._dtype = settings.dtype
        self._pooling = settings.pooling or _pooling_of(settings, checkpoint)
        normalize = settings.normalize
        self._normalize = normalizes(checkpoint) if normalize is None else normalize
        pooler = self._pooling is Pooling.POOLER
        self.architecture = "PooledEncoder" if pooler else "XmodModel"
        size = checkpoint.config.hidden_size
        self.fields = (pa.field("embedding", vectors(settings.dtype, size)),)

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Pooled vectors [windows, hidden], float32."""
        match self._pooling:
            case Pooling.CLS:
                return packed.first_tokens(hidden).float()
            case Pooling.POOLER:
                pooled: Tensor = model.pooler(packed.first_tokens(hidden).unsqueeze(1))
                return pooled.float()
            case Pooling.LAST:
                return hidden.index_select(0, packed.bounds[1:] - 1).float()
            case Pooling.MAX:
                return _reduced(hidden.float(), packed, "max")
            case Pooling.MEAN_SQRT_LEN:
                means = _reduced(hidden.float(), packed, "mean")
                return means * packed.lengths.unsqueeze(1).sqrt()
            case Pooling.MEAN:
                return _reduced(hidden.float(), packed, "mean")

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's vector [hidden]."""
        vector = weighted_mean(scores, document.windows)
        if self._normalize:
            vector /= max(float(np.linalg.norm(vector)), 1e-12)
        return (vector.astype(self._dtype),)


def embeddings_input(
    settings: EmbeddingsSettings, checkpoint: Checkpoint, max_length: int
) -> ModelInput:
    """The text after its prefix, in windows of what sentence-transformers reads at most."""
    longest = longest_input(checkpoint) or max_length
    tokenizer = checkpoint.window_tokenizer(min(max_length, longest))
    return ModelInput(tokenizer, prefix=_prefix(settings, checkpoint))


def _prefix(settings: EmbeddingsSettings, checkpoint: Checkpoint) -> str:
    return default_prompt(checkpoint) if settings.prefix is None else settings.prefix


def _pooling_of(settings: EmbeddingsSettings, checkpoint: Checkpoint) -> Pooling:
    """The checkpoint's own; CheckpointError where it leaves out what the task puts before texts."""
    recipe = recipe_of(checkpoint)
    if recipe.skips_prompt and (prefix := _prefix(settings, checkpoint)):
        raise CheckpointError(
            f"{checkpoint.folder / POOLING} has include_prompt false: the vectors of the prefix "
            f"{prefix!a:.100} are to be left out, which this package does not do. Set the task's "
            f'pooling to {recipe.pooling} to have them in, or its prefix to "" for none.'
        )
    return recipe.pooling


def _reduced(hidden: Tensor, packed: Packed, how: str) -> Tensor:
    """Over all tokens, special ones included, as in sentence-transformers."""
    import torch

    # ``unsafe`` omits a check of the lengths that would make a GPU wait.
    return torch.segment_reduce(hidden, how, lengths=packed.lengths, axis=0, unsafe=True)
