"""Classification: one label a record.

Enters: hidden states. Leaves: ``<name>_label``, ``<name>_score`` and, where asked for,
``<name>_probs`` in the order of the checkpoint's labels. What holds: a long text's probabilities
are the mean over its windows, weighted by their tokens.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pipeline.config import ClassificationSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import weighted_mean

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class ClassificationTask(Task):
    """Sequence classification with transformers' ``XmodForSequenceClassification``."""

    architecture = "XmodForSequenceClassification"
    by_token: ClassVar[bool] = False

    def __init__(self, settings: ClassificationSettings, checkpoint: Checkpoint) -> None:
        if len(checkpoint.labels) < 2:
            raise CheckpointError(
                f"{checkpoint.folder} has {len(checkpoint.labels)} label(s); task "
                f"{settings.name!r} needs at least 2. It is no classifier: check model.path."
            )
        self._settings = settings
        self._labels = checkpoint.labels
        self._multi_label = checkpoint.config.problem_type == "multi_label_classification"

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Label, its probability, and all probabilities if asked for."""
        name = self._settings.name
        label = pa.field(f"{name}_label", pa.string())
        score = pa.field(f"{name}_score", pa.float32())
        probs = pa.field(f"{name}_probs", pa.list_(pa.float32()))
        return (label, score, probs) if self._settings.probs else (label, score)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Probabilities [windows, labels]: softmax, or sigmoid where labels allow for others."""
        # The head looks at the first token of [windows, tokens, hidden].
        logits: Tensor = model.classifier(
            hidden.index_select(0, packed.firsts).unsqueeze(1)
        ).float()
        return logits.sigmoid() if self._multi_label else logits.softmax(-1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The most probable label of the record."""
        probabilities = weighted_mean(scores, document.windows)
        best = int(probabilities.argmax())
        values = (self._labels[best], float(probabilities[best]))
        return (*values, probabilities.tolist()) if self._settings.probs else values
