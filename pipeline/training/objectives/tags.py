"""Entity tags as an objective of pre-training.

Enters: hidden states and the tags of a batch. Leaves: a loss on them.
Holds: unlike in fine-tuning, embeddings and adapters learn from the tags too. Small corpora need
it: masked LM on a few million tokens tells a model little about names.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from pipeline.training.config import Task
from pipeline.training.labels import IGNORED
from pipeline.training.objectives.labelled import Labels
from pipeline.training.objectives.objective import padded
from pipeline.training.trainer import Batch, Example


def tag_targets(rows: list[Example]) -> Tensor:
    """Label ids of sub-tokens, IGNORED for special ones and padding; [rows, tokens]."""
    return padded([row["labels"] for row in rows], IGNORED)


def tagging_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["tags"]` [rows, tokens] over sub-tokens; scalar."""
    logits = cast(Tensor, head(hidden)).flatten(0, 1)
    return functional.cross_entropy(logits, batch["tags"].flatten(), ignore_index=IGNORED)


TAGS = Labels(name="tags", task=Task.NER, targets=tag_targets, loss=tagging_loss)
