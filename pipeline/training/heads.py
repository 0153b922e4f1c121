"""What fine-tuning does differently for each task: one entry of `KINDS` a task.

Enters: labelled rows and a tokenizer. Leaves: encoded examples with a label and a `lang_id`.
Holds: an example's label ids are positions in the tuple of labels that its task gives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from transformers import (
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XmodForSequenceClassification,
    XmodForTokenClassification,
)

from pipeline.training import scores
from pipeline.training.config import Task
from pipeline.training.corpus import CLASSIFICATION_COLUMNS, NER_COLUMNS
from pipeline.training.inference import Reader
from pipeline.training.labels import LABELS, entities, rebuild, token_labels
from pipeline.training.trainer import Batch, Example

LangIds = dict[str, int]
Encode = Callable[[pa.Table, PreTrainedTokenizerBase, Sequence[str], LangIds], list[Example]]
Score = Callable[[Reader, pa.Table], scores.Scores]


def encode_ner(
    table: pa.Table,
    tokenizer: PreTrainedTokenizerBase,
    _: Sequence[str],
    lang_ids: LangIds,
) -> list[Example]:
    """Examples with one label a sub-token."""
    rows = table.to_pylist()
    rebuilt = [rebuild(row["tokens"], row["spaces"]) for row in rows]
    encoded = tokenizer([text for text, _ in rebuilt], truncation=True, return_offsets_mapping=True)
    return [
        {
            "input_ids": encoded["input_ids"][index],
            "attention_mask": encoded["attention_mask"][index],
            "labels": token_labels(
                encoded["offset_mapping"][index], entities(row["tags"], rebuilt[index][1])
            ),
            "lang_id": lang_ids[row["language"]],
        }
        for index, row in enumerate(rows)
    ]


def encode_classification(
    table: pa.Table,
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    lang_ids: LangIds,
) -> list[Example]:
    """Examples with one label a text."""
    encoded = tokenizer(table["text"].to_pylist(), truncation=True)
    return [
        {
            "input_ids": encoded["input_ids"][index],
            "attention_mask": encoded["attention_mask"][index],
            "labels": labels.index(row["label"]),
            "lang_id": lang_ids[row["language"]],
        }
        for index, row in enumerate(table.select(["label", "language"]).to_pylist())
    ]


class LanguageCollator:
    """Pads a batch with a task's collator and adds its lang_ids."""

    def __init__(self, pad: Callable[[list[Example]], Any]) -> None:
        self._pad = pad

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask [batch, tokens]; labels; lang_ids [batch]."""
        inputs = [{key: row[key] for key in row if key != "lang_id"} for row in rows]
        return {**self._pad(inputs), "lang_ids": torch.tensor([row["lang_id"] for row in rows])}


@dataclass(frozen=True)
class TaskKind:
    """What differs between tasks."""

    model: type[PreTrainedModel]
    columns: tuple[str, ...]
    labels: Callable[[pa.Table], tuple[str, ...]]
    encode: Encode
    collate: Callable[[PreTrainedTokenizerBase], LanguageCollator]
    score: Score


KINDS = {
    Task.NER: TaskKind(
        model=XmodForTokenClassification,
        columns=NER_COLUMNS,
        labels=lambda _: LABELS,
        encode=encode_ner,
        collate=lambda tokenizer: LanguageCollator(DataCollatorForTokenClassification(tokenizer)),
        score=scores.entity_f1,
    ),
    Task.CLASSIFICATION: TaskKind(
        model=XmodForSequenceClassification,
        columns=CLASSIFICATION_COLUMNS,
        labels=lambda train: tuple(sorted(train["label"].unique().to_pylist())),
        encode=encode_classification,
        collate=lambda tokenizer: LanguageCollator(DataCollatorWithPadding(tokenizer)),
        score=scores.accuracy,
    ),
}
