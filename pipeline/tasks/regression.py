"""Regression: the outputs of a head as numbers."""

import re
from collections.abc import Sequence

import pyarrow as pa

from pipeline.config import RegressionSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.classification import REGRESSION, sequence_logits
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import weighted_mean

_NO_WORD = re.compile(r"\W+")


class RegressionTask(Task):
    """A column for each output of the head, in the checkpoint's order.

    The head is transformers' ``XmodForSequenceClassification``, as for rerankers. The values of a
    long text are the mean over its windows, weighted by their numbers of tokens.
    """

    architecture = "XmodForSequenceClassification"
    by_token = False

    def __init__(self, settings: RegressionSettings, checkpoint: Checkpoint) -> None:
        _require_regression(settings, checkpoint)
        self._sigmoid = settings.sigmoid
        names = column_names(settings.name, checkpoint.labels)
        self.fields = tuple(pa.field(name, pa.float32()) for name in names)

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Values [windows, outputs]."""
        values = sequence_logits(model, hidden, packed)
        return values.sigmoid() if self._sigmoid else values

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's values."""
        return tuple(weighted_mean(scores, document.windows).tolist())


def column_names(name: str, labels: Sequence[str]) -> list[str]:
    """``name`` for one output; for several, ``name`` and each label, of letters, digits and ``_``.

    All tools can write such names without quotes; a dot would name a field within a column.
    """
    if len(labels) == 1:
        return [name]
    return [f"{name}_{_NO_WORD.sub('_', label)}" for label in labels]


def _require_regression(settings: RegressionSettings, checkpoint: Checkpoint) -> None:
    kind, outputs = checkpoint.config.problem_type, len(checkpoint.labels)
    if kind in (None, REGRESSION):
        return
    raise CheckpointError(
        f"{checkpoint.folder} has problem_type {kind!r} and {outputs} label(s); task "
        f"{settings.name!r} needs the outputs of a regression. It is a classifier: set the task's "
        "type to classification, or check model.path."
    )
