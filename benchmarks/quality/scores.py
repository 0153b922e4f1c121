"""How right answers are, and how far two sides' answers are apart.

Enters: answers, and what people said. Leaves: ``Scores`` of a side; entities as counts, so that
they can be added up and drawn again. What holds: scores are in points (a share times 100); F1 is
strict and micro-averaged within a language, and the languages' mean counts each of them alike.

An entity is right if label, start and end are: over sets of spans that is what seqeval's strict
mode counts over tags.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.rounds import Spread
from benchmarks.quality.answers import Answers
from benchmarks.quality.texts import Heldout, Mark
from pipeline.training.labels import Span

_SEED = 5
_DRAWS = 1000

Counts = NDArray[np.float64]
"""Of each text the entities that are right, found, there: [texts, 3]."""


@dataclass(frozen=True)
class Scores:
    """Of one side: entities by language as counts, accuracy in points by language.

    ``at_words`` are the same entities as ``spans``, moved to whole words of the corpus.
    """

    spans: dict[str, Counts]
    at_words: dict[str, Counts]
    accuracy: dict[str, float]

    @property
    def mean_accuracy(self) -> float:
        """Over languages."""
        return float(np.mean(list(self.accuracy.values())))


def scores(texts: Heldout, own: Answers) -> Scores:
    """Of the side whose answers are ``own``."""
    pairs = list(zip(texts.marked, own.entities, strict=True))
    spans = [_counts(found, one.gold) for one, found in pairs]
    moved = [_counts(at_words(found, one.words), one.gold) for one, found in pairs]
    codes = [one.code for one in texts.marked]
    judged = [pair for pair in zip(texts.filed, own.topics, strict=True) if pair[0].topic]
    hits = _grouped([one.code for one, _ in judged], [one.topic == said for one, said in judged])
    return Scores(
        spans=_grouped(codes, spans),
        at_words=_grouped(codes, moved),
        accuracy={code: 100 * float(some.mean()) for code, some in hits.items()},
    )


def at_words(found: Iterable[Mark], words: Sequence[Span]) -> frozenset[Mark]:
    """Each entity from the first to the last word that begins in it; none where no word does.

    A word then has the tag of its first token, as where the model card's scores come from.
    """
    moved = set()
    for label, start, end in found:
        inside = [word for word in words if start <= word[0] < end]
        if inside:
            moved.add((label, inside[0][0], inside[-1][1]))
    return frozenset(moved)


def f1(counts: Counts) -> NDArray[np.float64]:
    """Points, from sums [..., 3] of right, found and existing entities."""
    right, found, existing = np.moveaxis(counts, -1, 0)
    return 200 * right / np.maximum(found + existing, 1)


def f1_by_language(counts: dict[str, Counts]) -> dict[str, float]:
    """Points by language."""
    return {code: float(f1(own.sum(0))) for code, own in counts.items()}


def mean_f1(counts: dict[str, Counts]) -> float:
    """Over languages."""
    return float(np.mean([*f1_by_language(counts).values()]))


def f1_difference(after: dict[str, Counts], before: dict[str, Counts]) -> Spread:
    """Of the mean over languages, in points; low and high hold 95 % of draws of other texts.

    Texts are drawn with replacement within a language, the same for both sides.
    """
    generator = np.random.default_rng(_SEED)
    drawn = []
    for code, own in after.items():
        times = generator.multinomial(len(own), np.full(len(own), 1 / len(own)), size=_DRAWS)
        drawn.append(f1(times @ own) - f1(times @ before[code]))
    low, high = np.percentile(np.mean(drawn, axis=0), [2.5, 97.5])
    return Spread(mean_f1(after) - mean_f1(before), float(low), float(high))


def cosines(one: Answers, other: Answers) -> NDArray[np.float64]:
    """Of each text's two vectors [texts]."""
    lengths = np.linalg.norm(one.vectors, axis=1) * np.linalg.norm(other.vectors, axis=1)
    return np.einsum("ij,ij->i", one.vectors, other.vectors) / lengths


def changed(one: Sequence[object], other: Sequence[object]) -> float:
    """Share of texts, in points, of which two sides say something different."""
    return 100 * float(np.mean([a != b for a, b in zip(one, other, strict=True)]))


def changed_entities(one: Sequence[frozenset[Mark]], other: Sequence[frozenset[Mark]]) -> float:
    """Share of entities, in points, that only one of two sides has, of those of either."""
    apart = sum(len(a ^ b) for a, b in zip(one, other, strict=True))
    return 100 * apart / max(1, sum(len(a | b) for a, b in zip(one, other, strict=True)))


def _counts(found: frozenset[Mark], gold: frozenset[Mark]) -> list[int]:
    return [len(found & gold), len(found), len(gold)]


def _grouped(codes: Sequence[str], values: Sequence[object]) -> dict[str, NDArray[np.float64]]:
    """The rows of ``values`` by language."""
    languages, rows = np.array(codes), np.array(values, dtype=np.float64)
    return {code: rows[languages == code] for code in dict.fromkeys(codes)}
