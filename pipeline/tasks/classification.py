"""Classification: one label a record, or several where labels do not exclude each other."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.config import ClassificationSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import weighted_mean

MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"
"""Of ``problem_type`` in a ``config.json``."""
_THRESHOLD = 0.5


class ClassificationTask(Task):
    """Label, its probability and, with ``probs``, all probabilities in the checkpoint's order.

    The head is transformers' ``XmodForSequenceClassification``. Where labels do not exclude each
    other, a record has a list of those of at least ``threshold``, the most probable first. The
    probabilities of a long text are the mean over its windows, weighted by their numbers of tokens.
    """

    architecture = "XmodForSequenceClassification"
    by_token = False

    def __init__(self, settings: ClassificationSettings, checkpoint: Checkpoint) -> None:
        kind = checkpoint.config.problem_type
        self._labels = np.array(checkpoint.labels, dtype=object)
        _require_classifier(settings, checkpoint)
        self._sigmoid = kind == MULTI_LABEL or settings.multi_label is True
        self._several = self._sigmoid and settings.multi_label is not False
        self._threshold = _THRESHOLD if settings.threshold is None else settings.threshold
        columns = _list_columns() if self._several else _single_columns()
        probs = {"probs": pa.list_(pa.float32())} if settings.probs else {}
        self.fields = tuple(
            pa.field(f"{settings.name}_{ending}", kind)
            for ending, kind in (columns | probs).items()
        )

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Probabilities [windows, labels]: sigmoid where a text may have several labels."""
        logits = sequence_logits(model, hidden, packed)
        return logits.sigmoid() if self._sigmoid else logits.softmax(-1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The most probable label, or all labels that are probable enough."""
        probabilities = weighted_mean(scores, document.windows)
        ranked = np.argsort(-probabilities, kind="stable")
        found: tuple[object, ...]
        if self._several:
            kept = ranked[probabilities[ranked] >= np.float32(self._threshold)]
            found = (self._labels[kept].tolist(), probabilities[kept].tolist())
        else:
            found = (self._labels[ranked[0]], float(probabilities[ranked[0]]))
        return (*found, probabilities.tolist())[: len(self.fields)]


def sequence_logits(model: Model, hidden: Tensor, packed: Packed) -> Tensor:
    """The outputs [windows, labels] of a sequence-classification head, float32."""
    first = packed.first_tokens(hidden).unsqueeze(1)  # as the head of [windows, tokens, hidden]
    logits: Tensor = model.classifier(first).float()
    return logits


def _single_columns() -> dict[str, pa.DataType]:
    return {"label": pa.string(), "score": pa.float32()}


def _list_columns() -> dict[str, pa.DataType]:
    return {"labels": pa.list_(pa.string()), "scores": pa.list_(pa.float32())}


def _require_classifier(settings: ClassificationSettings, checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where the outputs are no probabilities of labels, or not as set."""
    kind, labels, multi_label = (
        checkpoint.config.problem_type,
        len(checkpoint.labels),
        settings.multi_label,
    )
    seen = f"{checkpoint.folder} has problem_type {kind!r} and {labels} label(s); "
    if kind == REGRESSION or (labels < 2 and not (multi_label or kind == MULTI_LABEL)):
        needed = "at least 2 labels" if labels < 2 else "probabilities of labels"
        raise CheckpointError(
            f"{seen}task {settings.name!r} needs {needed}. It is not a classifier: set the task's "
            "type to regression, or check model.path and model.head."
        )
    if multi_label and kind not in (None, MULTI_LABEL):
        raise CheckpointError(
            f"{seen}a text has one of them, and task {settings.name!r} has multi_label: true. "
            "Leave that out, or check model.path and model.head."
        )
    several = kind == MULTI_LABEL if multi_label is None else multi_label
    if settings.threshold is not None and not several:
        raise CheckpointError(
            f"{seen}task {settings.name!r} writes one of them, for which its threshold "
            f"{settings.threshold:g} has no use. Leave threshold out, or set multi_label: true."
        )
