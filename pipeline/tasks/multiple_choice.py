"""Multiple choice: which of a record's choices fits its text best."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.config import MultipleChoiceSettings
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window


class MultipleChoiceTask(Task):
    """Position of the best choice, its probability and, with ``probs``, those of all choices.

    The head is transformers' ``XmodForMultipleChoice``. Each choice goes through the record's own
    adapter; transformers' forward repeats ``lang_ids`` by batch instead of by choice, and fails.
    """

    architecture = "XmodForMultipleChoice"
    by_token = False

    def __init__(self, settings: MultipleChoiceSettings, _: Checkpoint) -> None:
        name = settings.name
        self.fields = (
            pa.field(f"{name}_choice", pa.int32()),
            pa.field(f"{name}_score", pa.float32()),
            *([pa.field(f"{name}_probs", pa.list_(pa.float32()))] if settings.probs else []),
        )

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Scores [windows], comparable within a record."""
        pooled = model.roberta.pooler(packed.first_tokens(hidden).unsqueeze(1))
        scores: Tensor = model.classifier(pooled).float()
        return scores.squeeze(1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The best choice."""
        probabilities = choice_probabilities(document.windows, scores)
        best = int(probabilities.argmax())
        values = (best, float(probabilities[best]), probabilities.tolist())
        return values[: len(self.fields)]


def choice_probabilities(windows: Sequence[Window], scores: Sequence[Scores]) -> Scores:
    """Probabilities [choices] from the score [] of each of a record's windows.

    The softmax is over the means of each choice's windows, weighted by their numbers of tokens.
    """
    choices = np.array([window.choice for window in windows])
    tokens = np.array([len(window) for window in windows], dtype=np.float64)
    sums = np.bincount(choices, weights=np.asarray(scores) * tokens)
    means = sums / np.bincount(choices, weights=tokens)
    weights = np.exp(means - means.max())
    probabilities: Scores = (weights / weights.sum()).astype(np.float32)
    return probabilities
