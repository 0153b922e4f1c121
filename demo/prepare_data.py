"""Turn the data folder into the Parquet files that the demo model is trained and tested on.

Enters: `--data`, the folder of corpora (each with its NOTICE), and `--out`.
Leaves in `--out`:
  pretrain.parquet   text, language            text that no test part holds
  heldout.parquet    text, language, split     NTREX documents kept out of pre-training: test
  ner.parquet        tokens, tags, spaces, language, split, source
  ner_pud.parquet    the same                  test sentences of another domain
  topic.parquet      text, label, language, split
  translations.parquet  text, translation, language, translation_language, split
                     train: NTREX's training documents, SIB-200's train part; dev: SIB-200's
  retrieval.parquet  the same                  Tatoeba pairs, test only
  added/*.parquet    pretrain, heldout, topic and retrieval of a language that is added later
Holds: parallel corpora are split by id or document, the same in every language; a sentence
that occurs in a test part occurs in no training part of its language.
"""

import logging
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from ner_corpora import SOURCES
from ner_formats import NerSentence
from text_corpora import (
    ADDED,
    LANGUAGES,
    PIVOT,
    Names,
    manual_rows,
    ntrex_rows,
    retrieval_rows,
    topic_rows,
    translation_rows,
    udhr_rows,
)

logger = logging.getLogger("demo.prepare_data")

Key = tuple[str, str]
"""Language and normalised text."""


@dataclass(frozen=True)
class NerRow:
    """A sentence with the split and the corpus it belongs to."""

    sentence: NerSentence
    language: str
    split: str
    source: str


def main(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option(help="Folder for the Parquet files.")],
) -> None:
    """Write the Parquet files."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    (out / "added").mkdir(parents=True, exist_ok=True)
    ner = without_leaks(list(ner_rows(data)))
    for name, of_pud in (("ner", False), ("ner_pud", True)):
        rows = [row for row in ner if row.source.endswith("-PUD") == of_pud]
        _write(out / f"{name}.parquet", _ner_table(rows))
    _write_texts(data, out, LANGUAGES, ner)
    _write_texts(data, out / "added", ADDED, [])


def _write_texts(data: Path, out: Path, languages: Mapping[str, Names], ner: list[NerRow]) -> None:
    """What is made of the corpora that all languages have."""
    topic = list(topic_rows(data, languages))
    _write(out / "topic.parquet", pa.Table.from_pylist(topic))
    tested = tested_texts(data, languages, ner, topic)
    pretraining = pretraining_rows(data, languages, ner, topic)
    _write(out / "pretrain.parquet", pa.Table.from_pylist(untested(pretraining, tested)))
    heldout = [
        {**row, "split": "test"} for row in ntrex_rows(data, training=False, languages=languages)
    ]
    _write(out / "heldout.parquet", pa.Table.from_pylist(heldout))
    pairs = [row for row in translation_rows(data, languages) if _is_untested(row, tested)]
    _write(out / "translations.parquet", pa.Table.from_pylist(pairs))
    _write(out / "retrieval.parquet", pa.Table.from_pylist(list(retrieval_rows(data, languages))))


def ner_rows(data: Path) -> Iterator[NerRow]:
    """Every sentence of every corpus, in file order, with the split its place gives it."""
    for source in SOURCES:
        sentences = list(source.read(data / source.path))
        start = 0.0
        for split, share in source.shares:
            first, last = round(start * len(sentences)), round((start + share) * len(sentences))
            for sentence in sentences[first:last]:
                yield NerRow(sentence, source.language, split, source.name)
            start += share


def without_leaks(rows: list[NerRow]) -> list[NerRow]:
    """Drop what a later split holds too: from train what dev or test hold, from dev test's."""
    test = {_key(row) for row in rows if row.split == "test"}
    dev = {_key(row) for row in rows if row.split == "dev"}
    forbidden = {"train": dev | test, "dev": test, "test": set()}
    return [row for row in rows if _key(row) not in forbidden[row.split]]


def pretraining_rows(
    data: Path, languages: Mapping[str, Names], ner: list[NerRow], topic: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Text for masked LM: manuals, UDHR, NTREX's training documents, and the training splits."""
    rows = [*manual_rows(data, languages), *udhr_rows(data, languages)]
    rows += ntrex_rows(data, training=True, languages=languages)
    rows += [
        {"text": row["text"], "language": row["language"]}
        for row in topic
        if row["split"] == "train"
    ]
    rows += [
        {"text": row.sentence.text, "language": row.language} for row in ner if row.split == "train"
    ]
    distinct = {(row["text"], row["language"]): None for row in rows}
    return [{"text": text, "language": language} for text, language in distinct]


def tested_texts(
    data: Path, languages: Mapping[str, Names], ner: list[NerRow], topic: list[dict[str, str]]
) -> set[Key]:
    """All texts that dev and test parts hold."""
    tested = {_text_key(row["text"], row["language"]) for row in topic if row["split"] != "train"}
    tested |= {_key(row) for row in ner if row.split != "train"}
    for row in retrieval_rows(data, languages):
        tested |= {_text_key(row["text"], row["language"]), _text_key(row["translation"], PIVOT)}
    heldout = ntrex_rows(data, training=False, languages=languages)
    return tested | {_text_key(row["text"], row["language"]) for row in heldout}


def untested(rows: Iterable[dict[str, str]], tested: set[Key]) -> list[dict[str, str]]:
    """The rows whose text is in no dev or test part of its language."""
    return [row for row in rows if _text_key(row["text"], row["language"]) not in tested]


def _is_untested(row: dict[str, str], tested: set[Key]) -> bool:
    """Whether a training pair has no text of a dev or test part; pairs for dev are such parts."""
    ends = (_text_key(row["text"], row["language"]), _text_key(row["translation"], PIVOT))
    return row["split"] == "dev" or tested.isdisjoint(ends)


def _key(row: NerRow) -> Key:
    return _text_key("".join(row.sentence.tokens), row.language)


def _text_key(text: str, language: str) -> Key:
    """What texts are compared by: spaces and forms of characters do not make another one."""
    return language, "".join(unicodedata.normalize("NFKC", text).split())


def _ner_table(rows: list[NerRow]) -> pa.Table:
    columns: dict[str, Callable[[NerRow], object]] = {
        "tokens": lambda row: row.sentence.tokens,
        "tags": lambda row: row.sentence.tags,
        "spaces": lambda row: row.sentence.spaces,
        "language": lambda row: row.language,
        "split": lambda row: row.split,
        "source": lambda row: row.source,
    }
    return pa.table({name: [value(row) for row in rows] for name, value in columns.items()})


def _write(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="zstd")
    logger.info("%s: %d rows", path, table.num_rows)


if __name__ == "__main__":
    typer.run(main)
