"""Detectors side by side: accuracy on sentences and on short texts, strays let in, speed.

    python -m benchmarks.language_detectors
    python -m benchmarks.language_detectors --languages all --every 1

Enters: SIB-200's test sentences and NTREX cut to 25 characters, below ``--data``. Leaves: a table.
What holds: all detectors see the same texts in one run, on one thread. *right* is the mean over
languages of texts given their X-MOD code (zh_CN and zh_TW apart), *routed right* of those that also
score ``--min-score`` or more; *strays* is the share of texts in languages without an adapter
among ``--languages`` that score so all the same.
"""

import csv
import gzip
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.language.detection import Detection
from pipeline.language.detector import DETECTORS, make_detector
from pipeline.language.tags import resolve
from pipeline.language.xmod_base import XMOD_BASE

SIXTEEN = (
    "en_XX de_DE es_XX pt_XX sv_SE fi_FI hr_HR tr_TR id_ID ru_RU ar_AR hi_IN bn_IN zh_CN ja_XX "
    "ko_KR"
)


@dataclass(frozen=True)
class Sample:
    """A text in the X-MOD language ``code``."""

    code: str
    text: str


@dataclass(frozen=True)
class Figures:
    """Shares are 0 to 1; speed is texts a second."""

    right: float
    routed_right: float
    strays: float | None
    speed: float


def main(
    data: Annotated[Path, typer.Option(help="Folder with sib200/ and lid_eval/.")] = Path(
        "../shared/data"
    ),
    languages: Annotated[str, typer.Option(help="X-MOD codes, or 'all' for the 81.")] = SIXTEEN,
    every: Annotated[int, typer.Option(min=1, help="Use each n-th text only.")] = 4,
    min_score: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
    detector: Annotated[list[str] | None, typer.Option(help="Default: all.")] = None,
) -> None:
    """Print the table for the texts below ``data``."""
    console = Console()
    if not (data / "sib200").is_dir():
        console.print(f"Skipped: no sib200 below {data}. Set --data.")
        raise typer.Exit
    codes = tuple(XMOD_BASE if languages == "all" else languages.replace(",", " ").split())
    corpora = [list(_sentences(data))[::every], list(_short_texts(data))[::every]]
    sizes = " and ".join(f"{len(corpus):,}" for corpus in corpora)
    table = _empty_table(f"{len(codes)} languages; {sizes} texts; min_score {min_score:g}")
    for name in detector or sorted(DETECTORS):
        console.print(f"{name} …", style="dim")
        figures = [_figures(name, codes, corpus, min_score) for corpus in corpora]
        table.add_row(name, *[cell for one in figures for cell in _cells(one)])
    console.print(table)


def _figures(name: str, codes: tuple[str, ...], corpus: list[Sample], min_score: float) -> Figures:
    detector = make_detector(name, codes)
    start = time.perf_counter()
    answers = detector.detect([sample.text for sample in corpus])
    speed = len(corpus) / (time.perf_counter() - start)
    pairs = list(zip(corpus, answers, strict=True))
    own, strays = _served(pairs, codes)
    return Figures(
        right=_by_language(own, 0.0),
        routed_right=_by_language(own, min_score),
        strays=sum(one.score >= min_score for one in strays) / len(strays) if strays else None,
        speed=speed,
    )


def _served(
    pairs: list[tuple[Sample, Detection]], codes: tuple[str, ...]
) -> tuple[list[tuple[Sample, Detection]], list[Detection]]:
    """Texts with the code that they should be given, and answers to texts of other languages."""
    own, strays = [], []
    for sample, answer in pairs:
        code = resolve(sample.code, codes).xmod_language
        if code is None:
            strays.append(answer)
        else:
            own.append((Sample(code, sample.text), answer))
    return own, strays


def _by_language(pairs: list[tuple[Sample, Detection]], min_score: float) -> float:
    hits: dict[str, list[bool]] = defaultdict(list)
    for sample, answer in pairs:
        hits[sample.code].append(answer.language == sample.code and answer.score >= min_score)
    return sum(sum(one) / len(one) for one in hits.values()) / len(hits)


def _sentences(data: Path) -> Iterator[Sample]:
    for folder in sorted((data / "sib200").glob("*_*")):
        code = resolve(folder.name, XMOD_BASE).xmod_language
        with gzip.open(folder / "test.tsv.gz", "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield Sample(str(code), row["text"])


def _short_texts(data: Path) -> Iterator[Sample]:
    with gzip.open(data / "lid_eval" / "short_ntrex_25chars.json.gz", "rt") as file:
        for code, text in json.load(file):
            yield Sample(code, text)


def _empty_table(title: str) -> Table:
    table = Table("detector", title=title)
    for corpus in ("sentences", "short"):
        for column in ("right", "routed right", "strays", "texts/s"):
            table.add_column(f"{corpus}\n{column}", justify="right")
    return table


def _cells(figures: Figures) -> list[str]:
    strays = "–" if figures.strays is None else f"{figures.strays:.3f}"
    return [f"{figures.right:.4f}", f"{figures.routed_right:.4f}", strays, f"{figures.speed:,.0f}"]


if __name__ == "__main__":
    typer.run(main)
