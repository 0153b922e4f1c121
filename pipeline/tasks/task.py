"""What a task is: the head it needs, what it keeps of a forward, and the columns it makes of that.

A task knows nothing of Ray, of batches or of other tasks.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.xmod.windows import Window, stitched

if TYPE_CHECKING:
    import torch

    import pipeline.xmod.encoder
    import pipeline.xmod.packed

# Names only, so that no task imports torch when it is imported.
Tensor: TypeAlias = "torch.Tensor"
Packed: TypeAlias = "pipeline.xmod.packed.Packed"
Encoder: TypeAlias = "pipeline.xmod.encoder.PackedEncoder"
Model: TypeAlias = Any
"""The transformers model whose head a task uses; None where it uses the encoder only."""

Scores = NDArray[np.float32]
Places = NDArray[np.int64]
"""Positions in a window."""

NOWHERE: Places = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Document:
    """One record: its text, its windows, and the number of tokens by which they overlap."""

    text: str
    windows: Sequence[Window]
    stride: int

    @property
    def tokens(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Ids, starts and ends of the text's tokens, each once and without special ones."""
        ids, starts, ends = (
            stitched([getattr(window, name) for window in self.windows], self.stride)
            for name in ("ids", "starts", "ends")
        )
        return ids, starts, ends


class Task(ABC):
    """One annotation; it has either ``score`` or, with ``generates``, ``generate``."""

    architecture: str
    """The transformers class whose head the task uses, a key of ``HEADS``."""
    fields: tuple[pa.Field, ...]
    """The output columns."""
    by_token: bool = True
    """Whether ``score`` gives a result for each token; otherwise it gives one for each window."""
    masks: bool = False
    """Whether tokens are masked; such a task shares no forward with others."""
    generates: bool = False
    """Whether the task has ``generate`` instead of ``score``; it shares no forward either."""

    def masked(self, window: Window) -> Sequence[Places]:
        """For each forward of ``window``, the places of the tokens to mask; by default none."""
        return (NOWHERE,)

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """What to keep of a forward: [tokens, hidden] → [tokens, …] or [windows, …]."""
        raise NotImplementedError

    def prompt(self, document: Document) -> Window:
        """The tokens that ``generate`` continues."""
        raise NotImplementedError

    def generate(
        self,
        encoder: Encoder,
        model: Model,
        prompts: Sequence[NDArray[np.int32]],
        adapter_indices: Sequence[int],
    ) -> list[Scores]:
        """A result for each prompt, by as many forwards as the task needs."""
        raise NotImplementedError

    @abstractmethod
    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """One value for each field, from the results for each forward of each window, in order."""


def vectors(dtype: str, size: int) -> pa.DataType:
    """The column type of vectors of ``size`` numbers of ``dtype``, float32 or float16."""
    return pa.list_(pa.from_numpy_dtype(np.dtype(dtype)), size)
