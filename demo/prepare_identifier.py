"""Turn the data folder into the Parquet file that the language identifier learns from.

    python demo/prepare_identifier.py --data ../shared/data --out demo/data/identifier.parquet

Enters: `--data`, the folder of corpora. Leaves: text, language (X-MOD code), split.
Holds: of parallel corpora the same lines serve the same split in every language. Train: SIB-200
train, NTREX lines 1–998, UDHR, the manuals. Dev: SIB-200 dev, NTREX lines 999–1,100. Every 17th
line of NTREX is in `lid_eval` and left out. What is left is for tests.
"""

import csv
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from ner_formats import read_lines
from text_corpora import html_paragraphs

from pipeline.language.tags import resolve
from pipeline.language.xmod_base import XMOD_BASE

logger = logging.getLogger("demo.prepare_identifier")

TRAIN_LINES, DEV_LINES = 998, 1100
LID_EVAL_STEP = 17
MANUAL_PARAGRAPHS = 1500

NAMES_OF_THEIR_OWN = {
    "cmn_hans": "zh-Hans",
    "cmn_hant": "zh-Hant",
    "mly_latn": "ms",
    "hau_NG": "ha",
    "pes_1": "fa",
}
"""What the corpora call some languages, where that is no tag."""

Row = dict[str, str]


def main(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option(help="The Parquet file.")],
) -> None:
    """Write the Parquet file."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = [
        *sib_rows(data, "train"),
        *sib_rows(data, "dev"),
        *ntrex_rows(data),
        *declaration_rows(data),
        *manual_rows(data),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), out, compression="zstd")
    logger.info("%s: %d rows", out, len(rows))


def xmod_language(name: str) -> str | None:
    """The X-MOD code of what a corpus calls a language."""
    plain = name.split("_")[0] if name.endswith(("_1996", "_monotonic", "_2006")) else name
    return resolve(NAMES_OF_THEIR_OWN.get(name, plain), XMOD_BASE).xmod_language


def sib_rows(data: Path, split: str) -> Iterator[Row]:
    """SIB-200's own splits."""
    for folder in sorted((data / "sib200").glob("*_*")):
        lines = read_lines(folder / f"{split}.tsv.gz")
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield from _row(row["text"], xmod_language(folder.name), split)


def ntrex_rows(data: Path) -> Iterator[Row]:
    """The first lines of NTREX; Serbian in both scripts."""
    for path in sorted((data / "ntrex128").glob("newstest2019-*.txt.gz")):
        language = xmod_language(path.name.split(".")[1])
        for number, line in enumerate(islice(read_lines(path), DEV_LINES)):
            if number % LID_EVAL_STEP:
                yield from _row(line, language, "train" if number < TRAIN_LINES else "dev")


def declaration_rows(data: Path) -> Iterator[Row]:
    """Paragraphs of the Universal Declaration of Human Rights."""
    for path in sorted((data / "udhr").glob("*.html.gz")):
        for text in html_paragraphs(path):
            yield from _row(text, xmod_language(path.name.split(".")[0]), "train")


def manual_rows(data: Path) -> Iterator[Row]:
    """Evenly spaced paragraphs of the manuals, at most MANUAL_PARAGRAPHS a language."""
    for path in sorted((data / "mlm_debian_gnome").glob("*.txt.gz")):
        lines = [line for line in read_lines(path) if len(line) > 30]
        for line in lines[:: max(1, -(-len(lines) // MANUAL_PARAGRAPHS))]:
            yield from _row(line, path.name.split(".")[0], "train")


def _row(text: str, language: str | None, split: str) -> Iterator[Row]:
    if language is not None and text.strip():
        yield {"text": text.strip(), "language": language, "split": split}


if __name__ == "__main__":
    typer.run(main)
