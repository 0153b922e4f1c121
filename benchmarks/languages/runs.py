"""Detectors at work: what they answer, how fast, and which strangers they let in.

Enters: detectors' names, corpora. Leaves: answers, texts a second, ``Strays``. What holds: texts
come in batches as a job's units do; a detector has answered a whole corpus before it is timed;
detectors take turns, pass by pass, so that a busy machine slows all of them.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from benchmarks.languages.texts import Corpus
from pipeline.errors import ConfigError
from pipeline.language.detection import Detection, Detector
from pipeline.language.detector import make_detector
from pipeline.language.tags import resolve
from pipeline.language.xmod_base import XMOD_BASE

SIXTEEN = (
    *("en_XX", "de_DE", "es_XX", "pt_XX", "sv_SE", "fi_FI", "hr_HR", "tr_TR"),
    *("id_ID", "ru_RU", "ar_AR", "hi_IN", "bn_IN", "zh_CN", "ja_XX", "ko_KR"),
)
"""The languages of the demo's checkpoint."""

MIN_SCORE = 0.5
"""The default of ``language.min_score``: what scores less is not routed."""

_UNIT = 4096
_PASSES = 3
_SLOW = {"langdetect": 20, "lingua": 20}
"""Timed on each twentieth text only."""


@dataclass(frozen=True)
class Strays:
    """Shares, 0 to 1, with adapters for ``SIXTEEN`` only.

    ``own``: the mean over these languages of texts that are routed to their own adapter.
    ``let_in``: of the texts in other languages, those that are routed all the same.
    """

    own: float
    let_in: float


def made(
    names: Iterable[str], model: Path | None, tell: Callable[[str], None]
) -> dict[str, Detector]:
    """Detectors for X-MOD's 81 languages; ``tell`` is called for each that cannot be made."""
    detectors: dict[str, Detector] = {}
    for name in names:
        try:
            detectors[name] = make_detector(name, XMOD_BASE, model)
        except ConfigError as error:
            tell(f"Skipped {name}: {error}")
    return detectors


def answers(detector: Detector, texts: Sequence[str]) -> list[Detection]:
    """One a text, in order."""
    units = (texts[first : first + _UNIT] for first in range(0, len(texts), _UNIT))
    return [answer for unit in units for answer in detector.detect(unit)]


def speeds(detectors: dict[str, Detector], corpus: Corpus) -> dict[str, float]:
    """Texts a second of each detector, the median of its passes."""
    texts = {name: corpus.texts[:: _SLOW.get(name, 1)] for name in detectors}
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(_PASSES):
        for name, detector in detectors.items():
            start = time.perf_counter()
            answers(detector, texts[name])
            seconds[name].append(time.perf_counter() - start)
    return {name: len(texts[name]) / median(seconds[name]) for name in detectors}


def strays(detector: Detector, corpus: Corpus) -> Strays:
    """What ``detector``, made for ``SIXTEEN``, does with texts in 81 languages."""
    own: dict[str, list[bool]] = defaultdict(list)
    let_in: list[bool] = []
    for code, answer in zip(corpus.codes, answers(detector, corpus.texts), strict=True):
        wanted = resolve(code, SIXTEEN).xmod_language
        routed = answer.score >= MIN_SCORE
        if wanted is None:
            let_in.append(routed)
        else:
            own[wanted].append(routed and answer.language == wanted)
    return Strays(fmean(fmean(hits) for hits in own.values()), fmean(let_in))
