"""What fine-tuning and evaluation need to know of a task; it knows nothing of trainers or Ray."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from torch import Tensor, nn
from torch.nn import functional

from pipeline.training.codec import Codec
from pipeline.training.collate import (
    Batch,
    Collator,
    Example,
    MaskedCollator,
    Targets,
    Unfold,
    one_a_row,
)
from pipeline.training.corpus import of_language
from pipeline.training.inference import Reader
from pipeline.training.labels import IGNORED

Scores = dict[str, float]
"""Language to score."""
Figures = dict[str, Scores]
"""Name of a figure, such as `entity_f1`, to its scores."""
Loss = Callable[[nn.Module, Batch], Tensor]
"""Of a model and a batch; scalar."""
BASELINE = "baseline"
"""The simplest one: the most frequent class or tag, or chance."""
Guess = Callable[[pa.Table, str], Mapping[str, float]]
"""Figures of the rows of a language."""


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


@dataclass(frozen=True)
class Head:
    """One task's way to train and to be scored."""

    model: Any
    """A class of transformers' X-MOD, or one that builds upon it."""
    columns: tuple[str, ...]
    """Columns of its data, beside `language` and `split`."""
    encode: Callable[..., list[Example]]
    """Of a table and a codec; one or more of each row, each with `input_ids` and `lang_id`."""
    scored: Callable[[Reader, pa.Table, str], Mapping[str, float]]
    """Figures of rows in one language."""
    selects: str
    """The figure by which the best epoch is known."""
    falls: bool = False
    """Whether a better model has the lower figure."""
    targets: Targets | None = None
    """What a batch has beside its sequences; None: the tokens that masked LM hides."""
    unfold: Unfold = one_a_row
    """The sequences of the rows of a batch."""
    baselines: Mapping[str, Callable[[pa.Table], Guess]] = field(default_factory=dict)
    """What other rows would score without X-MOD, by the train rows; by name."""
    labels: Callable[[pa.Table], tuple[str, ...]] = lambda _: ()
    counts: Callable[[pa.Table], Counter[str]] = lambda _: Counter()
    """How often train rows have each label, where labels have weights."""
    loss: Callable[[Tensor | None, float], Loss] = lambda *_: own_loss
    """Of the labels' weights [labels] and the temperature, whichever the head has use for."""
    checked: Callable[[pa.Table], pa.Table] = lambda rows: rows
    """The rows as the other functions expect them; raises InputError where they are unfit."""
    optional: tuple[str, ...] = ()
    """Columns that are read where they are there."""
    options: tuple[tuple[str, object], ...] = ()
    """Settings of the model's config that the task needs."""

    def collator(self, codec: Codec) -> Callable[[list[Example]], Batch]:
        """What makes a batch of examples."""
        if self.targets is None:
            return MaskedCollator(codec)
        return Collator(codec, self.targets, self.unfold)

    def score(self, reader: Reader, table: pa.Table) -> Figures:
        """Figures by language, in the order of `lang_id`; only languages with an adapter."""
        present = set(table["language"].unique().to_pylist())
        languages = [language for language in reader.codec.languages if language in present]
        with reader.reading():
            return by_language(table, languages, lambda rows, one: self.scored(reader, rows, one))

    def guessed(self, train: pa.Table, rows: pa.Table) -> dict[str, Figures]:
        """Figures of `rows` by baseline, then by language; none without train rows."""
        languages = rows["language"].unique().to_pylist()
        return {
            name: by_language(rows, languages, baseline(train))
            for name, baseline in self.baselines.items()
            if train.num_rows
        }


def by_language(table: pa.Table, languages: Sequence[str], score: Guess) -> Figures:
    """Figures by name, then by language, from those of each language's rows."""
    figures: Figures = {}
    for language in languages:
        for name, value in score(of_language(table, language), language).items():
            figures.setdefault(name, {})[language] = float(value)
    return figures
