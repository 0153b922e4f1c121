"""Classes of texts as an objective of pre-training.

Enters: hidden states and the classes of a batch. Leaves: a loss on them.
Holds: the class is read off the first token, as transformers' classification head does, so that
fine-tuning finds it there.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.training.config import Task
from pipeline.training.objectives.labelled import Labels
from pipeline.training.trainer import Batch, Example


def class_targets(rows: list[Example]) -> Tensor:
    """Label ids of texts; [rows]."""
    return torch.tensor([row["labels"] for row in rows])


def class_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["classes"]` [rows] at the first token; scalar."""
    return functional.cross_entropy(head(hidden[:, 0]), batch["classes"])


CLASSES = Labels(name="classes", task=Task.CLASSIFICATION, targets=class_targets, loss=class_loss)
