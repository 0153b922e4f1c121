"""Scores by language: entity F1, accuracy, retrieval, masked-LM loss.

Enters: a `Reader` and Arrow tables of labelled rows. Leaves: a figure a language.
Holds: the model is in evaluation mode while it is scored and as before afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import torch
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import PreTrainedModel

from pipeline.training.corpus import of_language
from pipeline.training.inference import (
    Reader,
    class_predictions,
    label_names,
    mean_embeddings,
    token_predictions,
)
from pipeline.training.labels import rebuild, repair, word_tags
from pipeline.training.objectives.masked_lm import masked_lm_loss
from pipeline.training.objectives.objective import MaskedWindows
from pipeline.training.packing import pack
from pipeline.training.trainer import Batch

Scores = dict[str, float]


def entity_f1(reader: Reader, table: pa.Table) -> Scores:
    """Micro-averaged F1 of entities whose words and type are all right, by language."""

    def score(rows: pa.Table, language: str) -> float:
        gold = [repair(tags) for tags in rows["tags"].to_pylist()]
        predicted = predicted_tags(reader, rows, language)
        return float(f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0))

    return _by_language(reader, table, score)


def predicted_tags(reader: Reader, rows: pa.Table, language: str) -> list[list[str]]:
    """A tag a word for every row; `rows` holds tokens and spaces in one language."""
    rebuilt = [
        rebuild(words, spaces)
        for words, spaces in zip(
            rows["tokens"].to_pylist(), rows["spaces"].to_pylist(), strict=True
        )
    ]
    predictions = token_predictions(reader, [text for text, _ in rebuilt], language)
    return [
        _word_tags_of_text(offsets, labels, spans)
        for (offsets, labels), (_, spans) in zip(predictions, rebuilt, strict=True)
    ]


def accuracy(reader: Reader, table: pa.Table) -> Scores:
    """Share of rows whose predicted class is the label, by language."""
    names = label_names(reader.model)

    def score(rows: pa.Table, language: str) -> float:
        classes = class_predictions(reader, rows["text"].to_pylist(), language)
        gold = rows["label"].to_pylist()
        return float(np.mean([names[c] == label for c, label in zip(classes, gold, strict=True)]))

    return _by_language(reader, table, score)


def retrieval(reader: Reader, table: pa.Table) -> Scores:
    """Share of texts whose nearest English sentence, by cosine, is their translation."""

    def score(rows: pa.Table, language: str) -> float:
        texts = mean_embeddings(reader, rows["text"].to_pylist(), language)
        english = mean_embeddings(reader, rows["english"].to_pylist(), "en_XX")
        return float(np.mean((texts @ english.T).argmax(axis=1) == np.arange(len(texts))))

    return _by_language(reader, table, score)


def masked_loss(reader: Reader, table: pa.Table, *, mask_share: float, seed: int) -> Scores:
    """Mean cross-entropy, in nats, of masked tokens of the packed texts, by language."""
    mask = MaskedWindows(reader.tokenizer, mask_share)

    def score(rows: pa.Table, language: str) -> float:
        torch.manual_seed(seed)
        window = reader.tokenizer.model_max_length
        examples = [
            {"input_ids": ids, "lang_id": reader.lang_id(language)}
            for ids in pack(rows["text"].to_pylist(), reader.tokenizer, window)
        ]
        with torch.inference_mode():
            losses = [
                _masked_loss(reader.model, mask(examples[i : i + reader.batch_size]))
                for i in range(0, len(examples), reader.batch_size)
            ]
        return float(np.mean(losses))

    return _by_language(reader, table, score)


def _masked_loss(model: PreTrainedModel, batch: Batch) -> float:
    hidden_ids = batch.pop("hidden_ids")
    hidden = model.base_model(**batch).last_hidden_state
    return float(masked_lm_loss(model.get_submodule("lm_head"), hidden, hidden_ids))


def _by_language(
    reader: Reader, table: pa.Table, score: Callable[[pa.Table, str], float]
) -> Scores:
    languages = [
        language
        for language in reader.model.config.languages
        if language in table["language"].unique().to_pylist()
    ]
    with _evaluating(reader.model):
        return {language: score(of_language(table, language), language) for language in languages}


def _word_tags_of_text(
    offsets: list[tuple[int, int]], labels: list[int], spans: list[tuple[int, int]]
) -> list[str]:
    kept = [index for index, (start, end) in enumerate(offsets) if start < end]
    return word_tags([offsets[i] for i in kept], [labels[i] for i in kept], spans)


@contextmanager
def _evaluating(model: PreTrainedModel) -> Iterator[None]:
    training = model.training
    model.train(False)
    try:
        yield
    finally:
        model.train(training)
