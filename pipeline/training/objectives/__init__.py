"""What pre-training learns: masked words in every batch, and beside them what a config adds.

masked_lm      windows packed with text; their words are guessed, as those of every other batch
labelled       sentences with entity tags; texts with a class
translations   texts and their translations lie close together

Holds: an objective brings rows, their examples, and a loss on the encoder's hidden states through a
head that is not kept; adding one is a file and a line here.
"""

from pipeline.training.codec import Codec
from pipeline.training.learning import Source
from pipeline.training.objectives.labelled import classes, tags
from pipeline.training.objectives.masked_lm import masked_lm
from pipeline.training.objectives.objective import Objective
from pipeline.training.objectives.translations import translations
from pipeline.training.settings import PretrainConfig

__all__ = ["Objective", "objectives"]


def objectives(config: PretrainConfig, codec: Codec) -> list[tuple[Objective, Source]]:
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
