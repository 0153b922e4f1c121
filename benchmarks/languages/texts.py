"""The corpora that detectors are compared on.

Enters: a folder with ``sib200/``, ``lid_eval/`` and ``ntrex128/``. Leaves: four corpora, texts with
the X-MOD language of each: *sentences* (SIB-200's test split), *short* (NTREX cut to 25
characters), *noisy*, the sentences with an address, an emoji and a hashtag in each, and *latin*,
Serbian in Latin script beside Croatian, which SIB-200 has not. What holds: no detector was
trained or calibrated on any of them by this repository (see ``demo/prepare_identifier.py``); labels
are the sources'; noise and order are the same in every run.

Texts are shuffled: the corpora are parallel, and each tenth text would be the same few sentences in
all languages. Noise stands between words; what is written without spaces gets it at an end.
"""

import csv
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

from pipeline.language.tags import resolve
from pipeline.language.xmod_base import XMOD_BASE

_SEED = 7
_UNUSED = 1100
"""Lines of NTREX that counts and calibration came from."""
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
"""One of each goes into a noisy text."""


@dataclass(frozen=True)
class Corpus:
    """Texts, and the X-MOD language of each."""

    name: str
    texts: tuple[str, ...]
    codes: tuple[str, ...]

    def thinned(self, every: int) -> "Corpus":
        """Each ``every``-th text."""
        return Corpus(self.name, self.texts[::every], self.codes[::every])


def corpora(data: Path) -> list[Corpus]:
    """The corpora below ``data``."""
    sentences = _corpus("sentences", _sib200(data / "sib200"))
    short = _corpus("short", _pairs(data / "lid_eval" / "short_ntrex_25chars.json.gz"))
    generator = Random(_SEED)
    noisy = tuple(with_noise(text, generator) for text in sentences.texts)
    latin = _corpus("latin", _south_slavic(data / "ntrex128"))
    found = [sentences, short, Corpus("noisy", noisy, sentences.codes), latin]
    return [_shuffled(corpus) for corpus in found]


def with_noise(text: str, generator: Random) -> str:
    """``text`` with an address, an emoji and a hashtag, each in front, between words or behind."""
    words = text.split(" ")
    for choice in _NOISE:
        words.insert(generator.randint(0, len(words)), generator.choice(choice))
    return " ".join(words)


def _corpus(name: str, pairs: Iterable[tuple[str, str]]) -> Corpus:
    codes, texts = zip(*pairs, strict=True)
    return Corpus(name, texts, codes)


def _shuffled(corpus: Corpus) -> Corpus:
    pairs = list(zip(corpus.codes, corpus.texts, strict=True))
    Random(_SEED).shuffle(pairs)
    return _corpus(corpus.name, pairs)


def _sib200(folder: Path) -> Iterable[tuple[str, str]]:
    for part in sorted(folder.glob("*_*")):
        code = str(resolve(part.name, XMOD_BASE).xmod_language)
        with gzip.open(part / "test.tsv.gz", "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield code, row["text"]


def _south_slavic(folder: Path) -> Iterable[tuple[str, str]]:
    """NTREX from the first line on that nothing was made from."""
    for part, code in (("srp-Latn", "sr_RS"), ("hrv", "hr_HR")):
        path = folder / f"newstest2019-ref.{part}.txt.gz"
        with gzip.open(path, "rt", encoding="utf-8-sig") as lines:
            yield from ((code, line.strip()) for line in islice(lines, _UNUSED, None))


def _pairs(path: Path) -> Iterable[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from json.load(file)
