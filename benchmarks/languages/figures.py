"""What answers amount to: accuracy, calibration, confusions.

Enters: a corpus, and a detector's answer to each text. Leaves: ``Figures``. What holds: each
language weighs the same, however many texts it has; no answer is a wrong one; calibration is judged
over the languages that a detector knows, because it cannot doubt on behalf of one it never heard
of.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from benchmarks.languages.texts import Corpus
from pipeline.language.detection import Detection

NO_ANSWER = "none"
"""What is said of a text without an answer."""

BINS = 15

Pair = tuple[str, str]
"""The X-MOD language of a text, and what was said."""


@dataclass(frozen=True)
class Bin:
    """Texts whose scores are about the same: their mean score, and the share that is right."""

    texts: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one detector on one corpus; shares are 0 to 1.

    ``by_code`` is the mean over languages of the share of texts given their X-MOD code;
    ``by_language`` the same where zh_CN will do for zh_TW; ``covered`` the latter over languages
    that the detector knows. ``accuracy`` is by code, ``confusions`` count wrong answers: language →
    what was said instead → texts.
    """

    texts: int
    by_code: float
    by_language: float
    covered: float
    calibration_error: float
    bins: tuple[Bin, ...]
    accuracy: dict[str, float]
    confusions: dict[str, dict[str, int]]


def figures(corpus: Corpus, answers: Sequence[Detection], known: frozenset[str]) -> Figures:
    """What ``answers`` to ``corpus`` amount to, of a detector for the languages ``known``."""
    said = [answer.language or NO_ANSWER for answer in answers]
    pairs = list(zip(corpus.codes, said, strict=True))
    accuracy, spoken = _shares(pairs, str), _shares(pairs, _language)
    bins = _bins(corpus, answers, known)
    return Figures(
        texts=len(pairs),
        by_code=fmean(accuracy.values()),
        by_language=fmean(spoken.values()),
        covered=fmean(share for code, share in spoken.items() if code in known),
        calibration_error=_calibration_error(bins),
        bins=bins,
        accuracy=accuracy,
        confusions=_confusions(pairs),
    )


def _language(code: str) -> str:
    return code.partition("_")[0]


def _shares(pairs: Iterable[Pair], part: Callable[[str], str]) -> dict[str, float]:
    """Of each language the share of texts whose answer has the same ``part``."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for code, said in pairs:
        hits[code].append(part(said) == part(code))
    return {code: fmean(own) for code, own in hits.items()}


def _bins(corpus: Corpus, answers: Sequence[Detection], known: frozenset[str]) -> tuple[Bin, ...]:
    """``BINS`` of equal width; an empty one is all 0."""
    judged = [
        (answer.score, answer.language == code)
        for code, answer in zip(corpus.codes, answers, strict=True)
        if code in known
    ]
    scores, right = np.array(judged, dtype=float).reshape(-1, 2).T
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    texts = np.bincount(places, minlength=BINS)
    sums = [np.bincount(places, weights, BINS) for weights in (scores, right)]
    confidence, accuracy = ((one / np.maximum(texts, 1)).tolist() for one in sums)
    return tuple(map(Bin, texts.tolist(), confidence, accuracy))


def _calibration_error(bins: Iterable[Bin]) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015): how far scores are from accuracy."""
    gaps = [(one.texts, abs(one.accuracy - one.confidence)) for one in bins]
    return sum(texts * gap for texts, gap in gaps) / max(1, sum(texts for texts, _ in gaps))


def _confusions(pairs: Iterable[Pair]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for code, said in pairs:
        if said != code:
            found[code][said] += 1
    return {code: dict(counts.most_common()) for code, counts in found.items()}
