"""The demonstration model's test parts: texts, and what people said of them.

Enters: the folder of corpora. Leaves: ``Heldout``. What holds: the parts are those that the model
card's scores are of, which no training step has seen (``demo/prepare_data.py``); of a language that
has more texts than asked for, texts at even distances stand for all; the choice is the same in
every run.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.training.labels import Span, entities, rebuild

PREPARED = Path("demo/data")
"""Where ``demo/prepare_data.py`` writes, in ten seconds; not in the repository."""

Mark = tuple[str, int, int]
"""An entity: label, start and end in code points, half-open."""


@dataclass(frozen=True)
class Marked:
    """A sentence with its entities and the places of its words, as its corpus has them."""

    code: str
    text: str
    gold: frozenset[Mark]
    words: tuple[Span, ...]


@dataclass(frozen=True)
class Filed:
    """A text with its topic; None where nobody said one."""

    code: str
    text: str
    topic: str | None


@dataclass(frozen=True)
class Heldout:
    """``marked`` are of ``existing`` sentences by language; ``filed`` SIB-200, then Tatoeba."""

    marked: list[Marked]
    existing: dict[str, int]
    filed: list[Filed]

    def codes(self) -> list[str]:
        """Languages in the order of the corpora."""
        return list(dict.fromkeys(one.code for one in [*self.filed, *self.marked]))


def heldout(data: Path, languages: Collection[str], sentences: int, pairs: int) -> Heldout:
    """Of each language ``sentences`` with entities and ``pairs`` of Tatoeba at most; SIB-200."""
    if not (PREPARED / "added" / "retrieval.parquet").is_file():  # the last that is written
        script = [sys.executable, "demo/prepare_data.py", "--data", str(data)]
        subprocess.run([*script, "--out", str(PREPARED)], check=True)
    marked = _marked([row for name in ("ner", "ner_pud") for row in _test_part(name, languages)])
    topics = [
        Filed(row["language"], row["text"], row["label"]) for row in _test_part("topic", languages)
    ]
    tatoeba = _test_part("retrieval", languages)
    plain = [Filed(row["language"], row["text"], None) for row in tatoeba]
    existing = Counter(one.code for one in marked)
    return Heldout(thinned(marked, sentences), existing, [*topics, *thinned(plain, pairs)])


TextT = TypeVar("TextT", Marked, Filed)


def thinned(texts: Sequence[TextT], most: int) -> list[TextT]:
    """At most ``most`` texts of each language, at even distances in their order."""
    by_code: dict[str, list[TextT]] = {}
    for one in texts:
        by_code.setdefault(one.code, []).append(one)
    return [some[i] for some in by_code.values() for i in _spaced(len(some), most)]


def _spaced(number: int, most: int) -> list[int]:
    return np.linspace(0, number - 1, min(number, most)).round().astype(int).tolist()


def _test_part(name: str, languages: Collection[str]) -> list[dict[str, Any]]:
    table: pa.Table = pq.read_table(PREPARED / f"{name}.parquet")
    rows = table.filter(pc.equal(table["split"], "test")).to_pylist()
    return [row for row in rows if row["language"] in languages]


def _marked(rows: Sequence[dict[str, Any]]) -> list[Marked]:
    found = []
    for row in rows:
        text, words = rebuild(row["tokens"], row["spaces"])
        gold = frozenset((one.label, one.start, one.end) for one in entities(row["tags"], words))
        found.append(Marked(row["language"], text, gold, tuple(words)))
    return found
