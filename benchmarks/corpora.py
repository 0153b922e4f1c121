"""Texts with the X-MOD language of each: what detectors and the engine are measured on.

*sentences* are SIB-200's test split, *short* texts are NTREX cut to 25 characters, *noisy* are the
sentences with an address, an emoji and a hashtag in each, *latin* is Serbian in Latin script beside
Croatian. Nothing in this repository was trained or calibrated on them. Labels are the sources';
noise and order are the same in every run.
"""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

from pipeline.language.tags import resolve
from pipeline.language.xmod_base import XMOD_BASE

Pair = tuple[str, str]
"""An X-MOD language, and a text in it."""

_SEED, _MIXED_SEED = 7, 11
_UNUSED = 1100
"""Lines of NTREX from which counts and calibration came."""
_NOISE = (
    (
        "https://t.co/Wq8fD0xLmB",
        "https://www.example.com/news/2026/11/24/index.html?ref=home",
        "www.example.org/the-blog/latest",
        "http://bit.ly/3kTzQpA",
    ),
    ("😂", "❤️", "🙏🏽", "🔥🔥🔥", "👩‍👩‍👧", "😍"),
    ("#breakingnews", "#ThrowbackThursday", "#photooftheday", "#COVID19", "#love"),
)
"""One of each goes into a noisy text, before, between or after words."""


@dataclass(frozen=True)
class Corpus:
    """Texts, and the X-MOD language of each."""

    texts: tuple[str, ...]
    codes: tuple[str, ...]

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "Corpus":
        """In the order of ``pairs``."""
        codes, texts = zip(*pairs, strict=True)
        return cls(texts, codes)

    def thinned(self, every: int) -> "Corpus":
        """Each ``every``-th text."""
        return Corpus(self.texts[::every], self.codes[::every])


def language_corpora(data: Path) -> dict[str, Corpus]:
    """The four corpora by name, shuffled: in parallel corpora neighbours are the same sentence."""
    sentences = _sentences(data)
    generator = Random(_SEED)
    corpora = {
        "sentences": sentences,
        "short": _short(data),
        "noisy": [(code, with_noise(text, generator)) for code, text in sentences],
        "latin": list(_south_slavic(data / "ntrex128")),
    }
    return {name: Corpus.of(_shuffled(pairs)) for name, pairs in corpora.items()}


def mixed_texts(data: Path, number: int) -> Corpus:
    """Texts in all languages in the order of arrival: sentences, short texts, paragraphs 2 : 1 : 1.

    A paragraph is two or three lines of NTREX.
    """
    generator = Random(_MIXED_SEED)
    sentences, short = _shuffled(_sentences(data)), _shuffled(_short(data))
    kinds = [sentences, sentences, short, list(_paragraphs(data / "ntrex128", generator))]
    return Corpus.of(generator.choice(generator.choice(kinds)) for _ in range(number))


def with_noise(text: str, generator: Random) -> str:
    """``text`` with an address, an emoji and a hashtag."""
    words = text.split(" ")
    for choice in _NOISE:
        words.insert(generator.randint(0, len(words)), generator.choice(choice))
    return " ".join(words)


def _shuffled(pairs: list[Pair]) -> list[Pair]:
    Random(_SEED).shuffle(pairs)
    return pairs


def _sentences(data: Path) -> list[Pair]:
    pairs = []
    for part in sorted((data / "sib200").glob("*_*")):
        code = str(resolve(part.name, XMOD_BASE).xmod_language)
        with gzip.open(part / "test.tsv.gz", "rt", encoding="utf-8") as lines:
            rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            pairs += [(code, row["text"]) for row in rows]
    return pairs


def _short(data: Path) -> list[Pair]:
    path = data / "lid_eval" / "short_ntrex_25chars.json.gz"
    return [(code, text) for code, text in json.loads(gzip.decompress(path.read_bytes()))]


def _south_slavic(folder: Path) -> Iterator[Pair]:
    for part, code in (("srp-Latn", "sr_RS"), ("hrv", "hr_HR")):
        lines = _lines(folder / f"newstest2019-ref.{part}.txt.gz")
        yield from ((code, line) for line in islice(lines, _UNUSED, None))


def _paragraphs(folder: Path, generator: Random) -> Iterator[Pair]:
    for path in sorted(folder.glob("newstest2019-*.txt.gz")):
        code = resolve(path.name.split(".")[1], XMOD_BASE).xmod_language
        lines = list(_lines(path))
        while code and lines:
            length = generator.randint(2, 3)
            yield code, " ".join(lines[:length])
            lines = lines[length:]


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        yield from (line.strip() for line in file)
