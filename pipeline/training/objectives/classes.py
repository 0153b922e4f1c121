"""Classes of texts as an objective of pre-training.

Enters: the train split of a classification corpus. Leaves: an objective.
Holds: the class is read off the first token, as transformers' classification head does, so that
fine-tuning finds it there.
"""

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from pipeline.training.batches import SmoothedBatches
from pipeline.training.config import LabelledObjective, PretrainConfig
from pipeline.training.corpus import CLASSIFICATION_COLUMNS, capped, of_split, read_corpus
from pipeline.training.heads import class_labels, encode_classification
from pipeline.training.objectives.objective import MaskedWindows, Objective, by_language, padded
from pipeline.training.trainer import Batch, Example


def classes(
    config: PretrainConfig, settings: LabelledObjective, tokenizer: PreTrainedTokenizerBase
) -> Objective:
    """The objective of texts with a class."""
    table = of_split(read_corpus(settings.data, CLASSIFICATION_COLUMNS), "train")
    table = capped(table, settings.max_rows_per_language, config.optimisation.seed)
    labels = class_labels(table)
    examples = encode_classification(table, tokenizer, labels, config.lang_ids)
    mask = MaskedWindows(tokenizer, config.mask_share)

    def collate(rows: list[Example]) -> Batch:
        rows = by_language(rows)
        return {**mask(rows), "classes": padded([[row["labels"]] for row in rows], 0)[:, 0]}

    return Objective(
        name="classes",
        share=settings.share,
        weight=settings.weight,
        examples=examples,
        batches=SmoothedBatches.of(
            examples, settings.batch_size, config.language_smoothing, seed=3
        ),
        collate=collate,
        loss=class_loss,
        head=nn.Linear(config.architecture.hidden_size, len(labels)),
    )


def class_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["classes"]` [rows] at the first token; scalar."""
    return functional.cross_entropy(head(hidden[:, 0]), batch["classes"])
