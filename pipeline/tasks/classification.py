"""Classification: one label a record."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline.config import ClassificationSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import weighted_mean


class ClassificationTask(Task):
    """Label, its probability and, with ``probs``, all probabilities in the checkpoint's order.

    The head is transformers' ``XmodForSequenceClassification``. The probabilities of a long text
    are the mean over its windows, weighted by their numbers of tokens.
    """

    architecture = "XmodForSequenceClassification"
    by_token = False

    def __init__(self, settings: ClassificationSettings, checkpoint: Checkpoint) -> None:
        name, self._labels = settings.name, checkpoint.labels
        if len(self._labels) < 2:
            raise CheckpointError(
                f"{checkpoint.folder} has {len(self._labels)} label(s); task {name!r} needs at "
                "least 2. It is not a classifier: check model.path."
            )
        self._multi_label = checkpoint.config.problem_type == "multi_label_classification"
        self.fields = (
            pa.field(f"{name}_label", pa.string()),
            pa.field(f"{name}_score", pa.float32()),
            *([pa.field(f"{name}_probs", pa.list_(pa.float32()))] if settings.probs else []),
        )

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Probabilities [windows, labels]: sigmoid where a text may have several labels."""
        first = packed.first_tokens(hidden).unsqueeze(1)  # as the head of [windows, tokens, hidden]
        logits: Tensor = model.classifier(first).float()
        return logits.sigmoid() if self._multi_label else logits.softmax(-1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The most probable label."""
        probabilities = weighted_mean(scores, document.windows)
        best = int(probabilities.argmax())
        values = (self._labels[best], float(probabilities[best]), probabilities.tolist())
        return values[: len(self.fields)]
