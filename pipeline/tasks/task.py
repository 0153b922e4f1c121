"""What a task is.

Enters: a task's settings and its checkpoint. Leaves: a ``Task``, which says which head it needs,
what it keeps of a forward, and which columns that makes. What holds: a task knows nothing of Ray,
of batches or of other tasks; it sees one micro-batch's hidden states, then one record at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.xmod.windows import Window

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.encoder import PackedEncoder
    from pipeline.xmod.packed import Packed

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Document:
    """One record as a task's decoder sees it: its text, its windows, what they overlap by."""

    text: str
    windows: Sequence[Window]
    stride: int


Places = NDArray[np.int64]
"""Positions in a window."""

NOWHERE: Places = np.zeros(0, dtype=np.int64)


class Task(Protocol):
    """One annotation."""

    architecture: ClassVar[str]
    """The transformers class whose head the task uses."""
    by_token: ClassVar[bool]
    """Whether ``score`` has a result for each token; otherwise it has one for each window."""
    masks: ClassVar[bool] = False
    """Whether the model is not shown all tokens; such a task shares no forward with others."""
    generates: ClassVar[bool] = False
    """Whether the task has ``generate`` instead of ``score``; it shares no forward either."""

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The output columns."""

    def masked(self, window: Window) -> Sequence[Places]:
        """For each forward of ``window``, the places where the model sees a mask instead.

        Unless a task says otherwise, there is one forward, in which the model sees all.
        """
        return (NOWHERE,)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """What to keep of a forward: [tokens, hidden] → [tokens, …] or [windows, …]."""

    def prompt(self, document: Document) -> Window:
        """What ``generate`` goes on from."""
        return document.windows[-1]

    def generate(
        self,
        encoder: "PackedEncoder",
        model: Any,  # noqa: ANN401
        prompts: Sequence[NDArray[np.int32]],
        lang_ids: Sequence[int],
    ) -> list[Scores]:
        """A result for each prompt, by as many forwards as the task needs."""
        return []

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """One value a field, from the document and ``score``'s results for its windows.

        There is one result for each forward of each window, in their order.
        """
