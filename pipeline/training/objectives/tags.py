"""Entity tags as an objective of pre-training.

Enters: the train split of a NER corpus. Leaves: an objective.
Holds: unlike in fine-tuning, embeddings and adapters learn from the tags too. Small corpora need
it: masked LM on a few million tokens tells a model little about names.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from pipeline.training.batches import SmoothedBatches
from pipeline.training.config import LabelledObjective, PretrainConfig
from pipeline.training.corpus import NER_COLUMNS, capped, of_split, read_corpus
from pipeline.training.heads import encode_ner
from pipeline.training.labels import LABELS
from pipeline.training.objectives.objective import (
    IGNORED,
    MaskedWindows,
    Objective,
    by_language,
    padded,
)
from pipeline.training.trainer import Batch, Example


def tags(
    config: PretrainConfig, settings: LabelledObjective, tokenizer: PreTrainedTokenizerBase
) -> Objective:
    """The objective of sentences with entity tags."""
    table = of_split(read_corpus(settings.data, NER_COLUMNS), "train")
    table = capped(table, settings.max_rows_per_language, config.optimisation.seed)
    examples = encode_ner(table, tokenizer, LABELS, config.lang_ids)
    mask = MaskedWindows(tokenizer, config.mask_share)

    def collate(rows: list[Example]) -> Batch:
        rows = by_language(rows)
        return {**mask(rows), "tags": padded([row["labels"] for row in rows], IGNORED)}

    return Objective(
        name="tags",
        share=settings.share,
        weight=settings.weight,
        examples=examples,
        batches=SmoothedBatches.of(
            examples, settings.batch_size, config.language_smoothing, seed=2
        ),
        collate=collate,
        loss=tagging_loss,
        head=nn.Linear(config.architecture.hidden_size, len(LABELS)),
    )


def tagging_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["tags"]` [rows, tokens] over sub-tokens; scalar."""
    logits = cast(Tensor, head(hidden)).flatten(0, 1)
    return functional.cross_entropy(logits, batch["tags"].flatten(), ignore_index=IGNORED)
