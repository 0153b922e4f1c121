"""Token vectors: the encoder's last hidden states, for models downstream."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline.config import TokenVectorsSettings
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor, vectors
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched


class TokenVectorsTask(Task):
    """One vector for each token of the text, and its span in code points, half-open.

    The vectors are transformers' ``XmodModel``'s. Where windows overlap, a token's vector is from
    the window that has more context for it; special tokens are left out.
    """

    architecture = "XmodModel"

    def __init__(self, settings: TokenVectorsSettings, checkpoint: Checkpoint) -> None:
        self._dtype = settings.dtype
        size = checkpoint.config.hidden_size
        self.fields = (
            pa.field("token_vectors", pa.list_(vectors(settings.dtype, size))),
            pa.field("token_starts", pa.list_(pa.int32())),
            pa.field("token_ends", pa.list_(pa.int32())),
        )

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Vectors [tokens, hidden], float32."""
        return hidden.float()

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """Vectors [tokens, hidden] and spans."""
        _, starts, ends = document.tokens
        return (list(stitched(scores, document.stride).astype(self._dtype)), starts, ends)
