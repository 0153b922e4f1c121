"""Plain forwards of transformers' X-MOD, in batches of one language.

Enters: a model, its tokenizer, texts of one language. Leaves: predictions in the texts' order.
Holds: texts longer than the model's window are cut; no gradients; batches are sorted by length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase

from pipeline.errors import LanguageError
from pipeline.training.labels import Span


@dataclass(frozen=True)
class Reader:
    """A model with its tokenizer and the size of a batch."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    batch_size: int

    def lang_id(self, language: str) -> int:
        """The position of `language` among the model's adapters."""
        languages = list(self.model.config.languages)
        if language not in languages:
            raise LanguageError(f"No adapter for {language!r}. The model has {languages}.")
        return languages.index(language)


def token_predictions(
    reader: Reader, texts: Sequence[str], language: str
) -> list[tuple[list[Span], list[int]]]:
    """Offsets and predicted label ids of each text's sub-tokens, special tokens included."""
    results: list[tuple[list[Span], list[int]]] = [([], [])] * len(texts)
    for rows, batch in _batches(reader, texts, language):
        offsets = batch.pop("offset_mapping")
        best = _logits(reader, batch).argmax(dim=-1)
        for position, row in enumerate(rows):
            length = int(batch["attention_mask"][position].sum())
            spans = [(int(start), int(end)) for start, end in offsets[position][:length]]
            results[row] = spans, best[position, :length].tolist()
    return results


def class_predictions(reader: Reader, texts: Sequence[str], language: str) -> list[int]:
    """The predicted class id of each text."""
    results = np.zeros(len(texts), dtype=np.int64)
    for rows, batch in _batches(reader, texts, language):
        batch.pop("offset_mapping")
        results[rows] = _logits(reader, batch).argmax(dim=-1).numpy()
    return [int(result) for result in results]


def mean_embeddings(reader: Reader, texts: Sequence[str], language: str) -> np.ndarray:
    """Mean of the last hidden states over a text's tokens; float32 [texts, hidden], unit length."""
    results = np.zeros((len(texts), reader.model.config.hidden_size), dtype=np.float32)
    for rows, batch in _batches(reader, texts, language):
        batch.pop("offset_mapping")
        with torch.inference_mode():
            hidden: Tensor = reader.model.base_model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        results[rows] = ((hidden * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    lengths: np.ndarray = np.linalg.norm(results, axis=1, keepdims=True)
    unit: np.ndarray = results / lengths
    return unit


def label_names(model: PreTrainedModel) -> tuple[str, ...]:
    """The names of a task model's labels, by label id."""
    names = model.config.id2label or {}
    return tuple(name for _, name in sorted((int(key), name) for key, name in names.items()))


def _batches(
    reader: Reader, texts: Sequence[str], language: str
) -> Iterator[tuple[list[int], BatchEncoding]]:
    """Rows and their inputs: input_ids, attention_mask [batch, tokens]; lang_ids [batch]."""
    lang_id = reader.lang_id(language)
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(order), reader.batch_size):
        rows = order[start : start + reader.batch_size]
        batch = reader.tokenizer(
            [texts[row] for row in rows],
            padding=True,
            truncation=True,
            max_length=reader.tokenizer.model_max_length,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        batch["lang_ids"] = torch.full((len(rows),), lang_id)
        yield rows, batch


def _logits(reader: Reader, batch: BatchEncoding) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = reader.model(**batch).logits
    return logits
