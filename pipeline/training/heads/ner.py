"""Named entities: a label at the first token of each word.

Scored by micro-averaged F1 of entities whose words and type are all right (seqeval, strict mode).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import XmodForTokenClassification

from pipeline.errors import InputError
from pipeline.tasks.words import words_of
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, padded
from pipeline.training.heads.head import BASELINE, Guess, Head, weighted_loss
from pipeline.training.inference import Reader, logits
from pipeline.training.labels import (
    IGNORED,
    Span,
    bio_labels,
    entities,
    rebuild,
    repair,
    tags_of,
    word_labels,
)

_WITHOUT_SPACES = ("zh", "ja", "th", "km", "lo", "my")
"""Languages that are written without spaces between words."""


def checked(rows: pa.Table) -> pa.Table:
    """The rows with `spaces`, by their language's script where the data do not say.

    Raises InputError where a word has no tag, or one that is not IOB's.
    """
    wrong = [row for row in rows.select(["tokens", "tags"]).to_pylist() if not _is_tagged(**row)]
    if wrong:
        words, tags = (len(wrong[0][name] or ()) for name in ("tokens", "tags"))
        raise InputError(
            f"{len(wrong)} rows have not one tag a word, each O, B-… or I-…; the first has {words} "
            f"words and {tags} tags: {wrong[0]['tags']!a:.200}. Correct them."
        )
    given = rows["spaces"].to_pylist() if "spaces" in rows.column_names else [None] * len(rows)
    spaces = [
        own or [row["language"].partition("_")[0] not in _WITHOUT_SPACES] * len(row["tokens"] or ())
        for own, row in zip(given, rows.select(["language", "tokens"]).to_pylist(), strict=True)
    ]
    rest = rows.drop_columns(["spaces"]) if "spaces" in rows.column_names else rows
    return rest.append_column("spaces", pa.array(spaces, pa.list_(pa.bool_())))


def _is_tagged(tokens: list[str] | None, tags: list[str] | None) -> bool:
    """Whether there is a tag for each token, of IOB."""
    known = all(tag == "O" or str(tag)[:2] in ("B-", "I-") for tag in tags or ())
    return known and len(tokens or ()) == len(tags or ())


def labels(train: pa.Table) -> tuple[str, ...]:
    """O, then B- and I- of each entity type of `train`, in alphabetical order."""
    return bio_labels(tag[2:] for tags in train["tags"].to_pylist() for tag in tags if tag != "O")


def counts(train: pa.Table) -> Counter[str]:
    """How many words have each tag."""
    return Counter(tag for tags in train["tags"].to_pylist() for tag in repair(tags))


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Examples with a label a word, at its first token; words past the window have none."""
    sentences, encoded = _encoded(table, codec)
    rows = table.select(["tags", "language"]).to_pylist()
    return [
        {
            "input_ids": ids,
            "labels": word_labels(
                words_of(text, offsets), entities(row["tags"], spans), codec.labels, len(ids)
            ),
            "lang_id": codec.lang_ids[row["language"]],
        }
        for row, (text, spans), ids, offsets in zip(
            rows, sentences, encoded["input_ids"], encoded["offset_mapping"], strict=True
        )
    ]


def targets(rows: list[Example]) -> Batch:
    """Label ids of tokens, IGNORED for those that begin no word; [rows, tokens]."""
    return {"labels": padded([row["labels"] for row in rows], IGNORED)}


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`entity_f1`."""
    return {"entity_f1": entity_f1(rows["tags"], predicted_tags(reader, rows, language))}


def entity_f1(gold: pa.ChunkedArray, predicted: Sequence[Sequence[str]]) -> float:
    """Strict F1 of IOB2 tags, which `gold` is repaired to where it is not."""
    repaired = [repair(tags) for tags in gold.to_pylist()]
    return float(f1_score(repaired, predicted, mode="strict", scheme=IOB2, zero_division=0))


def predicted_tags(reader: Reader, rows: pa.Table, language: str) -> list[list[str]]:
    """A tag a word for every row; `rows` holds tokens and spaces in one language."""
    sentences, encoded = _encoded(rows, reader.codec)
    names = reader.codec.labels
    tags = []
    for (text, spans), offsets, given in zip(
        sentences,
        encoded["offset_mapping"],
        logits(reader, encoded["input_ids"], language),
        strict=True,
    ):
        words = words_of(text, offsets)
        found = given.argmax(axis=-1)
        tags.append(tags_of(spans, words, [names[found[word.token]] for word in words]))
    return tags


def most_frequent_tags(train: pa.Table) -> Guess:
    """`entity_f1` of giving each word the tag that it has most often in `train`; O if unseen."""
    seen: dict[tuple[str, str], Counter[str]] = {}
    for row in train.select(["tokens", "tags", "language"]).to_pylist():
        for word, tag in zip(row["tokens"], row["tags"], strict=True):
            seen.setdefault((row["language"], word), Counter())[tag] += 1
    most = {key: tags.most_common(1)[0][0] for key, tags in seen.items()}

    def guessed(rows: pa.Table, language: str) -> dict[str, float]:
        tags = [
            repair([most.get((language, word), "O") for word in words])
            for words in rows["tokens"].to_pylist()
        ]
        return {"entity_f1": entity_f1(rows["tags"], tags)}

    return guessed


def _encoded(table: pa.Table, codec: Codec) -> tuple[list[tuple[str, list[Span]]], Any]:
    """The sentences, each with the places of its words in it, and their encoding."""
    pairs = zip(table["tokens"].to_pylist(), table["spaces"].to_pylist(), strict=True)
    sentences = [rebuild(words, spaces) for words, spaces in pairs]
    encoded = codec.encoded([text for text, _ in sentences], return_offsets_mapping=True)
    return sentences, encoded


NER = Head(
    model=XmodForTokenClassification,
    columns=("tokens", "tags"),
    optional=("spaces",),
    checked=checked,
    encode=encode,
    targets=targets,
    scored=scored,
    baselines={BASELINE: most_frequent_tags},
    selects="entity_f1",
    labels=labels,
    counts=counts,
    loss=weighted_loss,
)
