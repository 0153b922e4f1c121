"""Masked language modelling on windows packed with text.

Enters: texts of many languages. Leaves: an objective that has the batches which others leave.
"""

from functools import partial

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, grouped
from pipeline.training.corpus import TEXT_COLUMNS, of_languages, read_corpus
from pipeline.training.heads.masked_lm import encode
from pipeline.training.learning import Source
from pipeline.training.masking import MaskedWindows
from pipeline.training.objectives.objective import Objective
from pipeline.training.settings import PretrainConfig

NAME = "masked_lm"


def masked_lm(config: PretrainConfig, codec: Codec) -> tuple[Objective, Source]:
    """The objective of plain text, and the texts."""
    rows = of_languages(read_corpus(config.data, TEXT_COLUMNS), config.languages, config.data)
    objective = Objective(
        name=NAME,
        share=1.0 - config.objectives.share,
        batch_size=config.optimisation.batch_size,
        collate=partial(_masked, MaskedWindows(codec.tokenizer, config.mask_share)),
    )
    return objective, Source(rows, partial(encode, codec=codec))


def _masked(mask: MaskedWindows, rows: list[Example]) -> Batch:
    return mask(grouped(rows))
