"""What fine-tuning does differently for each task: one entry of `KINDS` a task.

Enters: labelled rows and a tokenizer. Leaves: encoded examples with a label and a `lang_id`.
Holds: an example's label ids are positions in the tuple of labels that its task gives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

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
from pipeline.training.positions import shift_positions
from pipeline.training.trainer import Batch, Example, by_language

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


def class_labels(train: pa.Table) -> tuple[str, ...]:
    """The classes of `train`, sorted."""
    return tuple(sorted(train["label"].unique().to_pylist()))


class LanguageCollator:
    """Pads a batch with a task's collator; adds its lang_ids, and positions that are shifted."""

    def __init__(
        self, pad: Callable[[list[Example]], Any], tokenizer: PreTrainedTokenizerBase
    ) -> None:
        self._pad = pad
        self._window = tokenizer.model_max_length
        self._padding = cast(int, tokenizer.pad_token_id)

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, position_ids [rows, tokens]; labels; lang_ids [rows].

        Rows are sorted by language.
        """
        rows = by_language(rows)
        inputs = [{key: row[key] for key in row if key != "lang_id"} for row in rows]
        lang_ids = torch.tensor([row["lang_id"] for row in rows])
        batch = {**self._pad(inputs), "lang_ids": lang_ids}
        return shift_positions(batch, self._window, self._padding)


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
        collate=lambda tokenizer: LanguageCollator(
            DataCollatorForTokenClassification(tokenizer), tokenizer
        ),
        score=scores.entity_f1,
    ),
    Task.CLASSIFICATION: TaskKind(
        model=XmodForSequenceClassification,
        columns=CLASSIFICATION_COLUMNS,
        labels=class_labels,
        encode=encode_classification,
        collate=lambda tokenizer: LanguageCollator(DataCollatorWithPadding(tokenizer), tokenizer),
        score=scores.accuracy,
    ),
}
