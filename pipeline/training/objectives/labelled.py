"""What tags and classes share: labelled rows of the train split become an objective.

Enters: a corpus as for fine-tuning, and what differs between the two. Leaves: an objective whose
batches carry their targets under the objective's name. Holds: only rows of the languages that are
pre-trained are read, and that there are some is checked before training starts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from pipeline.errors import InputError
from pipeline.training.batches import SmoothedBatches
from pipeline.training.config import LabelledObjective, PretrainConfig, Task
from pipeline.training.corpus import capped, of_split, read_corpus
from pipeline.training.heads import KINDS
from pipeline.training.objectives.objective import Loss, MaskedWindows, Objective
from pipeline.training.trainer import Batch, Example, by_language


@dataclass(frozen=True)
class Labels:
    """What differs between objectives with labels.

    `targets` gives the targets of a batch's rows, `loss` what is learnt from them.
    """

    name: str
    task: Task
    targets: Callable[[list[Example]], Tensor]
    loss: Loss


def labelled(
    kind: Labels,
    config: PretrainConfig,
    settings: LabelledObjective,
    tokenizer: PreTrainedTokenizerBase,
    hidden_size: int,
) -> Objective:
    """The objective of the rows that `settings` names; its head reads `hidden_size` features.

    Raises InputError where no row is in the languages of `config`.
    """
    fine_tuned = KINDS[kind.task]
    table = _rows(config, settings, fine_tuned.columns)
    labels = fine_tuned.labels(table)
    examples = fine_tuned.encode(table, tokenizer, labels, config.lang_ids)
    mask = MaskedWindows(tokenizer, config.mask_share)

    def collate(rows: list[Example]) -> Batch:
        rows = by_language(rows)
        return {**mask(rows), kind.name: kind.targets(rows)}

    return Objective(
        name=kind.name,
        share=settings.share,
        weight=settings.weight,
        examples=examples,
        batches=SmoothedBatches.of(
            examples,
            settings.batch_size,
            config.language_smoothing,
            seed=config.seed_of(kind.name),
        ),
        collate=collate,
        loss=kind.loss,
        head=nn.Linear(hidden_size, len(labels)),
    )


def _rows(
    config: PretrainConfig, settings: LabelledObjective, columns: tuple[str, ...]
) -> pa.Table:
    table = of_split(read_corpus(settings.data, columns), "train")
    present = table["language"].unique().to_pylist()
    table = table.filter(pc.is_in(table["language"], pa.array(config.languages, pa.string())))
    if not table.num_rows:
        raise InputError(
            f"{settings.data} has no train rows in {list(config.languages)}; it has some in "
            f"{sorted(present)}. Set languages, or take the objective out of the config."
        )
    return capped(table, settings.max_rows_per_language, config.optimisation.seed)
