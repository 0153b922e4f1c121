"""What the demo's pre-training learns beside masked words, which every batch hides some of.

Unlike in fine-tuning, embeddings and adapters learn from labels too. Small corpora need it: masked
LM on a few million tokens tells a model little about names.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor, nn
from torch.nn import functional

from demo.training.settings import DemoPretrainConfig, LabelledObjective, TranslationObjective
from pipeline.errors import InputError
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, MaskedCollator, Targets, grouped
from pipeline.training.corpus import capped, of_split, read_labelled
from pipeline.training.heads.classification import CLASSIFICATION
from pipeline.training.heads.embeddings import EMBEDDINGS, both, ranking_loss
from pipeline.training.heads.head import Head
from pipeline.training.heads.masked_lm import encode
from pipeline.training.heads.ner import NER
from pipeline.training.inference import means
from pipeline.training.labels import IGNORED
from pipeline.training.learning import Source
from pipeline.training.pretrain import texts_of

MASKED_LM = "masked_lm"

StateLoss = Callable[[nn.Module, Tensor, Batch], Tensor]
"""Of a head, the hidden states [rows, tokens, hidden] and the batch; scalar."""


def no_loss(_: nn.Module, hidden: Tensor, __: Batch) -> Tensor:
    """Nothing beside masked LM; scalar 0."""
    return hidden.new_zeros(())


@dataclass(frozen=True)
class Objective:
    """What is learnt of one source of examples, beside masked LM."""

    name: str
    share: float
    """Share of the batches."""
    batch_size: int
    """Rows of one forward pass."""
    collate: Callable[[list[Example]], Batch]
    """Gives the ids of hidden tokens as `hidden_ids`, beside what the loss needs."""
    loss: StateLoss = no_loss
    outputs: int = 0
    """Outputs of its head, a linear layer; 0 is none."""
    weight: float = 1.0
    """Weight of the loss beside that of masked LM."""

    def head(self, hidden_size: int) -> nn.Module:
        """What the loss reads the encoder's states through."""
        return nn.Linear(hidden_size, self.outputs) if self.outputs else nn.Identity()


def objectives(config: DemoPretrainConfig, codec: Codec) -> list[tuple[Objective, Source]]:
    """Masked LM, and what the config adds to it, each with its rows.

    Raises InputError where data are missing or have no row in the config's languages.
    """
    added = config.objectives
    learnt = [masked_lm(config, codec)]
    if added.tags:
        learnt.append(tags(config, added.tags, codec))
    if added.classes:
        learnt.append(classes(config, added.classes, codec))
    if added.translations:
        learnt.append(translations(config, added.translations, codec))
    return learnt


def masked_lm(config: DemoPretrainConfig, codec: Codec) -> tuple[Objective, Source]:
    """Windows packed with text; it has the batches which the others leave."""
    objective = Objective(
        name=MASKED_LM,
        share=1.0 - config.objectives.share,
        batch_size=config.optimisation.batch_size,
        collate=partial(_masked, _collator(config, codec), lambda _: {}),
    )
    return objective, Source(texts_of(config), partial(encode, codec=codec))


def tags(
    config: DemoPretrainConfig, settings: LabelledObjective, codec: Codec
) -> tuple[Objective, Source]:
    """Entity tags of sub-tokens."""
    return _labelled("tags", NER, tagging_loss, config, settings, codec)


def classes(
    config: DemoPretrainConfig, settings: LabelledObjective, codec: Codec
) -> tuple[Objective, Source]:
    """Classes of texts, read off the first token, where fine-tuning finds them."""
    return _labelled("classes", CLASSIFICATION, class_loss, config, settings, codec)


def translations(
    config: DemoPretrainConfig, settings: TranslationObjective, codec: Codec
) -> tuple[Objective, Source]:
    """Pairs of texts, whose translations are told apart by meaning alone if in one language."""
    table = of_split(read_labelled(settings.data, EMBEDDINGS.columns), "train")
    known = pa.array(config.languages, pa.string())
    both_known = pc.and_(
        pc.is_in(table["language"], known), pc.is_in(table["translation_language"], known)
    )
    rows = table.filter(both_known)
    if not rows.num_rows:
        raise InputError(
            f"{settings.data} has no pair with both languages among {list(config.languages)}. "
            "Set languages, or take translations out of the config."
        )
    objective = Objective(
        name="translations",
        share=settings.share,
        batch_size=settings.batch_size,
        collate=partial(_masked, _collator(config, codec), lambda _: {}, unfold=both),
        loss=partial(_ranked, settings.temperature),
        weight=settings.weight,
    )
    return objective, Source(rows, partial(EMBEDDINGS.encode, codec=codec))


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
    loss: StateLoss,
    config: DemoPretrainConfig,
    settings: LabelledObjective,
    codec: Codec,
) -> tuple[Objective, Source]:
    rows = head.checked(_rows(config, settings, head.columns))
    codec = replace(codec, labels=head.labels(rows))
    assert head.targets is not None
    objective = Objective(
        name=name,
        share=settings.share,
        batch_size=settings.batch_size,
        collate=partial(_masked, _collator(config, codec), head.targets),
        loss=loss,
        outputs=len(codec.labels),
        weight=settings.weight,
    )
    return objective, Source(rows, partial(head.encode, codec=codec))


def _rows(
    config: DemoPretrainConfig, settings: LabelledObjective, columns: tuple[str, ...]
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


def _collator(config: DemoPretrainConfig, codec: Codec) -> MaskedCollator:
    return MaskedCollator(codec, config.mask_share)


def _masked(
    mask: MaskedCollator,
    targets: Targets,
    rows: list[Example],
    unfold: Callable[[list[Example]], list[Example]] = list,
) -> Batch:
    rows = grouped(rows)
    batch = mask.in_order(unfold(rows))
    batch["hidden_ids"] = batch.pop("labels")
    return {**batch, **targets(rows)}


def _ranked(temperature: float, _: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    return ranking_loss(means(hidden, batch["attention_mask"]), temperature)
