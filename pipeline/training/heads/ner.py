"""Named entities: a label a sub-token, a tag a word.

Enters: `tokens`, `tags` (IOB2, any types) and `spaces` of sentences. Leaves: the head NER, scored
by micro-averaged F1 of entities whose words and type are all right, as seqeval's strict mode does.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import XmodForTokenClassification

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Collator, Example, padded
from pipeline.training.heads.by_language import by_language, without_model
from pipeline.training.heads.head import Figures, Head, weighted_loss
from pipeline.training.inference import Reader, logits
from pipeline.training.labels import (
    IGNORED,
    bio_labels,
    entities,
    rebuild,
    repair,
    token_labels,
    word_tags,
)


def labels(train: pa.Table) -> tuple[str, ...]:
    """O, then B- and I- of each entity type of `train`, in alphabetical order."""
    return bio_labels(tag[2:] for tags in train["tags"].to_pylist() for tag in tags if tag != "O")


def counts(train: pa.Table) -> Counter[str]:
    """How many words have each tag."""
    return Counter(tag for tags in train["tags"].to_pylist() for tag in repair(tags))


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Examples with one label a sub-token; those past the window have none, like their tokens."""
    rows = table.to_pylist()
    rebuilt = [rebuild(row["tokens"], row["spaces"]) for row in rows]
    encoded = codec.encoded([text for text, _ in rebuilt], return_offsets_mapping=True)
    return [
        {
            "input_ids": encoded["input_ids"][index],
            "labels": token_labels(
                encoded["offset_mapping"][index],
                entities(row["tags"], rebuilt[index][1]),
                codec.labels,
            ),
            "lang_id": codec.lang_ids[row["language"]],
        }
        for index, row in enumerate(rows)
    ]


def targets(rows: list[Example]) -> Batch:
    """Label ids of sub-tokens, IGNORED for special ones and padding; [rows, tokens]."""
    return {"labels": padded([row["labels"] for row in rows], IGNORED)}


def collate(codec: Codec) -> Collator:
    """Pads tokens and labels."""
    return codec.collator(targets)


def score(reader: Reader, table: pa.Table) -> Figures:
    """`entity_f1` by language."""

    def of_rows(rows: pa.Table, language: str) -> dict[str, float]:
        return {"entity_f1": entity_f1(rows["tags"], predicted_tags(reader, rows, language))}

    return by_language(reader, table, of_rows)


def entity_f1(gold: pa.ChunkedArray, predicted: Sequence[Sequence[str]]) -> float:
    """Strict F1 of IOB2 tags, which `gold` is repaired to where it is not."""
    repaired = [repair(tags) for tags in gold.to_pylist()]
    return float(f1_score(repaired, predicted, mode="strict", scheme=IOB2, zero_division=0))


def predicted_tags(reader: Reader, rows: pa.Table, language: str) -> list[list[str]]:
    """A tag a word for every row; `rows` holds tokens and spaces in one language."""
    rebuilt = [
        rebuild(words, spaces)
        for words, spaces in zip(
            rows["tokens"].to_pylist(), rows["spaces"].to_pylist(), strict=True
        )
    ]
    encoded = reader.codec.encoded([text for text, _ in rebuilt], return_offsets_mapping=True)
    given = logits(reader, encoded["input_ids"], language)
    return [
        _word_tags(offsets, found.argmax(axis=-1), spans, reader.codec.labels)
        for offsets, found, (_, spans) in zip(
            encoded["offset_mapping"], given, rebuilt, strict=True
        )
    ]


def most_frequent_tags(train: pa.Table, test: pa.Table) -> Figures:
    """`entity_f1` of giving each word the tag that it has most often in `train`; O if unseen."""
    seen: dict[str, dict[str, Counter[str]]] = {}
    for row in train.select(["tokens", "tags", "language"]).to_pylist():
        of_language = seen.setdefault(row["language"], {})
        for word, tag in zip(row["tokens"], row["tags"], strict=True):
            of_language.setdefault(word, Counter())[tag] += 1

    def of_rows(rows: pa.Table, language: str) -> dict[str, float]:
        known = {word: tags.most_common(1)[0][0] for word, tags in seen.get(language, {}).items()}
        guessed = [
            repair([known.get(word, "O") for word in words]) for words in rows["tokens"].to_pylist()
        ]
        return {"entity_f1": entity_f1(rows["tags"], guessed)}

    return without_model(test, of_rows)


def _word_tags(
    offsets: list[tuple[int, int]],
    found: np.ndarray,
    spans: list[tuple[int, int]],
    names: Sequence[str],
) -> list[str]:
    kept = [index for index, (start, end) in enumerate(offsets) if start < end]
    return word_tags(
        [offsets[index] for index in kept], [names[found[index]] for index in kept], spans
    )


NER = Head(
    model=XmodForTokenClassification,
    columns=("tokens", "tags", "spaces"),
    encode=encode,
    collate=collate,
    score=score,
    baseline=most_frequent_tags,
    selects="entity_f1",
    labels=labels,
    counts=counts,
    loss=weighted_loss,
)
