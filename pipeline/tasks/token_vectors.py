"""Token vectors: the encoder's last hidden states, for models downstream.

Enters: hidden states. Leaves: ``token_vectors``, one vector for each token of the text, and the
``token_starts`` and ``token_ends`` of the tokens in it, as code points, half-open. What holds:
special tokens are left out; where windows overlap, a token's vector is from the window that has
more context for it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pipeline.config import TokenVectorsSettings
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class TokenVectorsTask(Task):
    """Hidden states of transformers' ``XmodModel``."""

    architecture = "XmodModel"
    by_token: ClassVar[bool] = True

    def __init__(self, settings: TokenVectorsSettings, checkpoint: Checkpoint) -> None:
        self._dtype = settings.dtype
        self._size = checkpoint.config.hidden_size

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Vectors, in the configured precision, and spans."""
        values = pa.float16() if self._dtype == "float16" else pa.float32()
        return (
            pa.field("token_vectors", pa.list_(pa.list_(values, self._size))),
            pa.field("token_starts", pa.list_(pa.int32())),
            pa.field("token_ends", pa.list_(pa.int32())),
        )

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Vectors [tokens, hidden]."""
        return hidden.float()

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's vectors [tokens, hidden] and spans."""
        windows, stride = document.windows, document.stride
        vectors = stitched(scores, stride).astype(self._dtype)
        spans = (
            stitched([getattr(window, name) for window in windows], stride)
            for name in ("starts", "ends")
        )
        return (list(vectors), *spans)
