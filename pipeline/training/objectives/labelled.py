"""Objectives with labels: entity tags of sentences, classes of texts.

Enters: a corpus as for fine-tuning. Leaves: objectives whose batches carry `labels`.
Holds: unlike in fine-tuning, embeddings and adapters learn from the labels too. Small corpora need
it: masked LM on a few million tokens tells a model little about names. A class is read off the
first token, as transformers' classification head does, so that fine-tuning finds it there.
"""

from dataclasses import replace
from functools import partial
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import InputError
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, Targets, grouped
from pipeline.training.corpus import capped, of_split, read_labelled
from pipeline.training.heads import classification, ner
from pipeline.training.heads.head import Head
from pipeline.training.labels import IGNORED
from pipeline.training.learning import Source
from pipeline.training.masking import MaskedWindows
from pipeline.training.objectives.objective import Objective, StateLoss
from pipeline.training.settings import LabelledObjective, PretrainConfig


def tags(
    config: PretrainConfig, settings: LabelledObjective, codec: Codec
) -> tuple[Objective, Source]:
    """Entity tags of sub-tokens."""
    return _labelled("tags", ner.NER, ner.targets, tagging_loss, config, settings, codec)


def classes(
    config: PretrainConfig, settings: LabelledObjective, codec: Codec
) -> tuple[Objective, Source]:
    """Classes of texts."""
    head = classification.CLASSIFICATION
    return _labelled("classes", head, classification.targets, class_loss, config, settings, codec)


def tagging_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["labels"]` [rows, tokens] over sub-tokens; scalar."""
    logits = cast(Tensor, head(hidden)).flatten(0, 1)
    return functional.cross_entropy(logits, batch["labels"].flatten(), ignore_index=IGNORED)


def class_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["labels"]` [rows] at the first token; scalar."""
    return functional.cross_entropy(head(hidden[:, 0]), batch["labels"])


def _labelled(
    name: str,
    head: Head,
    targets: Targets,
    loss: StateLoss,
    config: PretrainConfig,
    settings: LabelledObjective,
    codec: Codec,
) -> tuple[Objective, Source]:
    rows = head.checked(_rows(config, settings, head.columns))
    codec = replace(codec, labels=head.labels(rows))
    mask = MaskedWindows(codec.tokenizer, config.mask_share)
    objective = Objective(
        name=name,
        share=settings.share,
        batch_size=settings.batch_size,
        collate=partial(_collated, mask, targets),
        loss=loss,
        outputs=len(codec.labels),
        weight=settings.weight,
    )
    return objective, Source(rows, partial(head.encode, codec=codec))


def _collated(mask: MaskedWindows, targets: Targets, rows: list[Example]) -> Batch:
    rows = grouped(rows)
    return {**mask(rows), **targets(rows)}


def _rows(
    config: PretrainConfig, settings: LabelledObjective, columns: tuple[str, ...]
) -> pa.Table:
    table = of_split(read_labelled(settings.data, columns), "train")
    present = table["language"].unique().to_pylist()
    table = table.filter(pc.is_in(table["language"], pa.array(config.languages, pa.string())))
    if not table.num_rows:
        raise InputError(
            f"{settings.data} has no train rows in {list(config.languages)}; it has some in "
            f"{sorted(present)}. Set languages, or take the objective out of the config."
        )
    return capped(table, settings.max_rows_per_language, config.optimisation.seed)
