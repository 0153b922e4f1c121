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

import csv
import logging
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from ner_corpora import SOURCES, NerSentence, read_lines

logger = logging.getLogger("demo.prepare_data")

NTREX_TRAINING_LINES = 1700
HANDBOOK_CHARACTERS = 400_000
"""Cap a language on the Debian and GNOME manuals, so that they do not drown other text."""


Key = tuple[str, str]
"""Language and normalised text."""


@dataclass(frozen=True)
class Names:
    """How the corpora name one language."""

    sib: str
    ntrex: str
    udhr: str
    tatoeba: str


LANGUAGES = {
    "en_XX": Names("eng_Latn", "src.eng", "eng", ""),
    "de_DE": Names("deu_Latn", "ref.deu", "deu_1996", "deu"),
    "es_XX": Names("spa_Latn", "ref.spa", "spa", "spa"),
    "pt_XX": Names("por_Latn", "ref.por", "por_BR", "por"),
    "sv_SE": Names("swe_Latn", "ref.swe", "swe", "swe"),
    "fi_FI": Names("fin_Latn", "ref.fin", "fin", "fin"),
    "hr_HR": Names("hrv_Latn", "ref.hrv", "hrv", "hrv"),
    "tr_TR": Names("tur_Latn", "ref.tur", "tur", "tur"),
    "id_ID": Names("ind_Latn", "ref.ind", "ind", "ind"),
    "ru_RU": Names("rus_Cyrl", "ref.rus", "rus", "rus"),
    "ar_AR": Names("arb_Arab", "ref.arb", "arb", "ara"),
    "hi_IN": Names("hin_Deva", "ref.hin", "hin", "hin"),
    "bn_IN": Names("ben_Beng", "ref.ben", "ben", "ben"),
    "zh_CN": Names("zho_Hans", "ref.zho-CN", "cmn_hans", "cmn"),
    "ja_XX": Names("jpn_Jpan", "ref.jpn", "jpn", "jpn"),
    "ko_KR": Names("kor_Hang", "ref.kor", "kor", "kor"),
    "fr_XX": Names("fra_Latn", "ref.fra", "fra", "fra"),
    "da_DK": Names("dan_Latn", "ref.dan", "dan", "dan"),
    "et_EE": Names("est_Latn", "ref.est", "est", "est"),
    "hu_HU": Names("hun_Latn", "ref.hun", "hun", "hun"),
    "ro_RO": Names("ron_Latn", "ref.ron", "ron_2006", "ron"),
    "sr_RS": Names("srp_Cyrl", "ref.srp-Latn", "srp_cyrl", "srp"),
    "sk_SK": Names("slk_Latn", "ref.slk", "slk", "slk"),
    "kk_KZ": Names("kaz_Cyrl", "ref.kaz", "kaz", "kaz"),
}
ADDED = {"el_GR": Names("ell_Grek", "ref.ell", "ell_monotonic", "ell")}
"""Not pre-trained: it is what jobs/add_language.py is shown with."""
NAMES = LANGUAGES | ADDED
PIVOT = "en_XX"
"""What texts are translated into."""


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
    of_pud = [row for row in ner if row.source.endswith("-PUD")]
    _write(out / "ner.parquet", _ner_table([row for row in ner if row not in of_pud]))
    _write(out / "ner_pud.parquet", _ner_table(of_pud))
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


def topic_rows(data: Path, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """SIB-200 with its own splits, which are parallel over the languages."""
    for language in languages:
        for split in ("train", "dev", "test"):
            for row in sib_rows(data, language, split):
                yield {
                    "text": row["text"],
                    "label": row["category"],
                    "language": language,
                    "split": split,
                }


def sib_rows(data: Path, language: str, split: str) -> Iterator[dict[str, str]]:
    """Rows of SIB-200: index_id, which is the same in all languages, category, text."""
    lines = read_lines(data / "sib200" / NAMES[language].sib / f"{split}.tsv.gz")
    yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


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


def manual_rows(data: Path, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """Paragraphs of the Debian and GNOME manuals, in order, up to the cap a language."""
    for language in languages:
        path = data / "mlm_debian_gnome" / f"{language}.txt.gz"
        left = HANDBOOK_CHARACTERS if path.exists() else 0
        for text in read_lines(path) if left else ():
            left -= len(text)
            if left < 0:
                break
            yield {"text": text, "language": language}


def udhr_rows(data: Path, languages: Mapping[str, Names]) -> Iterator[dict[str, str]]:
    """Paragraphs of the Universal Declaration of Human Rights."""
    for language, names in languages.items():
        for text in html_paragraphs(data / "udhr" / f"{names.udhr}.html.gz"):
            yield {"text": text, "language": language}


def html_paragraphs(path: Path) -> list[str]:
    """The text of a page's <p> elements, with single spaces."""
    parser = _Paragraphs()
    parser.feed("\n".join(read_lines(path)))
    return parser.paragraphs


def ntrex_rows(data: Path, *, training: bool, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """NTREX by document: those that hold lines 1–1700 train, the others are held out."""
    documents = (data / "ntrex128" / "DOCUMENT_IDS.tsv").read_text(encoding="utf-8").split()
    in_training = set(documents[:NTREX_TRAINING_LINES])
    for language in languages:
        name = NAMES[language].ntrex
        lines = read_lines(data / "ntrex128" / f"newstest2019-{name}.txt.gz")
        for document, line in zip(documents, lines, strict=True):
            if (document in in_training) == training:
                yield {"text": line.strip(), "language": language}


def translation_rows(data: Path, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """Sentences with their English translation, those of NTREX's training documents and SIB-200."""
    english_lines = list(ntrex_rows(data, training=True, languages=[PIVOT]))
    for language in (one for one in languages if one != PIVOT):
        lines = ntrex_rows(data, training=True, languages=[language])
        for row, english in zip(lines, english_lines, strict=True):
            yield _pair(row["text"], english["text"], language, "train")
        for split in ("train", "dev"):
            translated = {row["index_id"]: row["text"] for row in sib_rows(data, PIVOT, split)}
            for row in sib_rows(data, language, split):
                yield _pair(row["text"], translated[row["index_id"]], language, split)


def retrieval_rows(data: Path, languages: Mapping[str, Names]) -> Iterator[dict[str, str]]:
    """Tatoeba pairs with English."""
    for language, names in languages.items():
        if not names.tatoeba:
            continue
        pair = f"tatoeba.{names.tatoeba}-eng"
        texts = read_lines(data / "tatoeba" / f"{pair}.{names.tatoeba}.gz")
        english = read_lines(data / "tatoeba" / f"{pair}.eng.gz")
        for text, translation in zip(texts, english, strict=True):
            yield _pair(text, translation, language, "test")


def _pair(text: str, translation: str, language: str, split: str) -> dict[str, str]:
    return {
        "text": text,
        "translation": translation,
        "language": language,
        "translation_language": PIVOT,
        "split": split,
    }


class _Paragraphs(HTMLParser):
    """Collects the text of the <p> elements."""

    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "p":
            self._open = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.paragraphs[-1] += " ".join(data.split())


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
