"""What fine-tuning and evaluation need to know of a task.

Enters: labelled rows. Leaves: a `Head`: its model class, its examples, its loss, its scores.
Holds: a head knows nothing of trainers, Ray or other heads.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
from torch import Tensor, nn
from torch.nn import functional

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Collator, Example
from pipeline.training.inference import Reader
from pipeline.training.labels import IGNORED

Scores = dict[str, float]
"""Language to score."""
Figures = dict[str, Scores]
"""Name of a figure, such as `entity_f1`, to its scores."""
Loss = Callable[[nn.Module, Batch], Tensor]
"""Of a model and a batch; scalar."""


class Encode(Protocol):
    """Makes examples of rows."""

    def __call__(self, table: pa.Table, codec: Codec) -> list[Example]:
        """One or more of each row, each with `input_ids` and `lang_id`."""


def own_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The loss that the transformers class computes from the batch's labels."""
    loss: Tensor = model(**batch).loss
    return loss


def weighted_loss(weights: Tensor | None, _: float) -> Loss:
    """Mean cross-entropy over all that has a label, each label weighted."""

    def weighted(model: nn.Module, batch: Batch) -> Tensor:
        wanted = batch.pop("labels")
        given: Tensor = model(**batch).logits
        return functional.cross_entropy(
            given.flatten(0, -2),
            wanted.flatten(),
            weight=None if weights is None else weights.to(given.device),
            ignore_index=IGNORED,
        )

    return weighted


def same_rows(rows: pa.Table) -> pa.Table:
    """For heads that can read whatever has the columns."""
    return rows


def no_labels(_: pa.Table) -> tuple[str, ...]:
    """For heads that have none."""
    return ()


def no_counts(_: pa.Table) -> Counter[str]:
    """For heads whose labels have no weights."""
    return Counter()


@dataclass(frozen=True)
class Head:
    """One task's way to train and to be scored."""

    model: Any
    """A class of transformers' X-MOD, or one that builds upon it."""
    columns: tuple[str, ...]
    """Of its data, beside `language` and `split`."""
    encode: Encode
    collate: Callable[[Codec], Collator | Callable[[list[Example]], Batch]]
    score: Callable[[Reader, pa.Table], Figures]
    selects: str
    """The figure by which the best epoch is known."""
    falls: bool = False
    """Whether a better model has the lower figure."""
    baseline: Callable[[pa.Table, pa.Table], Figures] | None = None
    """What the test rows (second) would score without any model, by the train rows (first)."""
    labels: Callable[[pa.Table], tuple[str, ...]] = no_labels
    counts: Callable[[pa.Table], Counter[str]] = no_counts
    """How often train rows have each label."""
    loss: Callable[[Tensor | None, float], Loss] = lambda *_: own_loss
    """Of the labels' weights [labels] and the temperature, whichever the head has use for."""
    checked: Callable[[pa.Table], pa.Table] = same_rows
    """The rows as the other functions expect them; raises InputError where they are unfit."""
    optional: tuple[str, ...] = ()
    """Columns that are read where they are there."""
    options: tuple[tuple[str, object], ...] = ()
    """Settings of the model's config that the task needs."""
