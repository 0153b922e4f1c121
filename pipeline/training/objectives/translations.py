"""Translation ranking as an objective of pre-training: translations get neighbouring vectors.

Enters: pairs of texts, as for fine-tuning embeddings. Leaves: an objective.
Holds: texts of a batch are in several languages, and their translations are told apart by meaning
alone where these are in one language, such as English.
"""

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, grouped
from pipeline.training.corpus import of_split, read_labelled
from pipeline.training.heads.embeddings import EMBEDDINGS, both, ranking_loss
from pipeline.training.inference import means
from pipeline.training.learning import Source
from pipeline.training.masking import MaskedWindows
from pipeline.training.objectives.objective import Objective
from pipeline.training.settings import PretrainConfig, TranslationObjective


def translations(
    config: PretrainConfig, settings: TranslationObjective, codec: Codec
) -> tuple[Objective, Source]:
    """The objective of pairs, and the pairs; raises InputError where there is none."""
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
        collate=partial(_collated, MaskedWindows(codec.tokenizer, config.mask_share)),
        loss=partial(_ranked, settings.temperature),
        weight=settings.weight,
    )
    return objective, Source(rows, partial(EMBEDDINGS.encode, codec=codec))


def _collated(mask: MaskedWindows, rows: list[Example]) -> Batch:
    return mask(both(grouped(rows)))


def _ranked(temperature: float, _: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    return ranking_loss(means(hidden, batch["attention_mask"]), temperature)
