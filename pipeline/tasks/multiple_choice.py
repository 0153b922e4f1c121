"""Multiple choice: which of a record's choices goes best with its text.

Enters: hidden states of windows that each hold one choice. Leaves: ``<name>_choice``, counted from
0, ``<name>_score`` and, where asked for, ``<name>_probs`` in the order of the choices. What holds:
each choice is read with the record's own adapter (transformers' forward repeats ``lang_ids`` by
batch instead of by choice, and fails); a long text's scores are the mean over its windows, weighted
by their tokens, before the softmax.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pipeline.config import MultipleChoiceSettings
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class MultipleChoiceTask(Task):
    """The best choice by transformers' ``XmodForMultipleChoice``."""

    architecture = "XmodForMultipleChoice"
    by_token: ClassVar[bool] = False

    def __init__(self, settings: MultipleChoiceSettings, _: Checkpoint) -> None:
        self._settings = settings

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Choice, its probability, and all probabilities if asked for."""
        name = self._settings.name
        choice = pa.field(f"{name}_choice", pa.int32())
        score = pa.field(f"{name}_score", pa.float32())
        probs = pa.field(f"{name}_probs", pa.list_(pa.float32()))
        return (choice, score, probs) if self._settings.probs else (choice, score)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Scores [windows], to be compared within a record."""
        firsts = hidden.index_select(0, packed.firsts).unsqueeze(1)
        scores: Tensor = model.classifier(model.roberta.pooler(firsts)).float()
        return scores.squeeze(1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's best choice."""
        probabilities = choice_probabilities(document.windows, scores)
        best = int(probabilities.argmax())
        values = (best, float(probabilities[best]))
        return (*values, probabilities.tolist()) if self._settings.probs else values


def choice_probabilities(windows: Sequence[Window], scores: Sequence[Scores]) -> Scores:
    """[choices], from a score [] of each of a record's windows."""
    choices = np.array([window.choice for window in windows])
    tokens = np.array([len(window) for window in windows], dtype=np.float64)
    sums = np.bincount(choices, weights=np.asarray(scores) * tokens)
    means = sums / np.bincount(choices, weights=tokens)
    weights = np.exp(means - means.max())
    probabilities: Scores = (weights / weights.sum()).astype(np.float32)
    return probabilities
