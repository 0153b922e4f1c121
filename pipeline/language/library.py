"""Detectors made from libraries: their labels become X-MOD languages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from pipeline.language.calibration import Calibration
from pipeline.language.detection import Detection, rankings
from pipeline.language.evidence import legible
from pipeline.language.scripts import chinese_script
from pipeline.language.tags import UNDETERMINED, Resolved, bcp47, resolve

_MERGED = ("hr", "bs")
"""Labels to treat as one: no library distinguishes Bosnian from Croatian in a sentence."""

_EPSILON = 1e-9


def meaning_of(label: str, languages: tuple[str, ...]) -> Resolved:
    """The language of a detector's ``label``.

    Bosnian and Croatian are the one that ``languages`` have; Croatian if they have both or none.
    """
    labels = _MERGED if label in _MERGED else (label,)
    meanings = [resolve(one, languages) for one in labels]
    return next((one for one in meanings if one.xmod_language), meanings[0])


class Library(Protocol):
    """A language identification library, loaded once, with labels of its own."""

    @property
    def labels(self) -> Sequence[str]:
        """Every label that it may give."""

    @property
    def version(self) -> str:
        """What its answers depend on besides texts."""

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """Labels and probabilities for a ``text`` with letters; labels left out have 0.

        Probability of no language goes to a label that is no language's, such as ``und``.
        """


class LibraryDetector:
    """Maps a library's labels to X-MOD languages and calibrates its scores."""

    def __init__(
        self, library: Library, languages: tuple[str, ...], calibration: Calibration | None = None
    ) -> None:
        self._library = library
        self._languages = languages
        self._places = {code: place for place, code in enumerate(languages)}
        self._calibration = calibration or Calibration()
        self._meanings = {label: meaning_of(label, languages) for label in library.labels}
        self._chinese = {code for code in languages if bcp47(code, languages).startswith("zh-")}
        codes = (meaning.xmod_language for meaning in self._meanings.values())
        known = frozenset(code for code in codes if code)
        self.known = known | self._chinese if known & self._chinese else known
        self.version = library.version

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One detection per text, in order."""
        cleaned = [legible(text) for text in texts]
        lengths = np.array([len(text) for text in cleaned])
        raw = [self._uncalibrated(text) if text else Detection() for text in cleaned]
        inside = np.zeros((len(texts), len(self._languages)), dtype=np.float32)
        for row, one in enumerate(raw):
            for code, share in one.ranked:
                inside[row, self._places[code]] = share
        outside = np.array([one.outside_score for one in raw], dtype=np.float32)
        ranked = rankings(self._calibration.shares(inside, lengths), self._languages)
        scores = self._calibration.probabilities(outside, lengths).tolist()
        return [
            Detection(ranking, one.outside, score)
            for ranking, one, score in zip(ranked, raw, scores, strict=True)
        ]

    def _uncalibrated(self, text: str) -> Detection:
        inside: dict[str, float] = defaultdict(float)
        outside: dict[str, float] = defaultdict(float)
        for label, probability in self._library.probabilities(text):
            meaning = self._meanings.get(label)
            if meaning and meaning.xmod_language:
                inside[self._by_script(meaning.xmod_language, text)] += probability
            else:
                outside[meaning.bcp47 if meaning else UNDETERMINED] += probability
        no_language = outside.pop(UNDETERMINED, 0.0)
        rival = max(outside, key=lambda tag: outside[tag], default=None)
        score = outside[rival] if rival else 0.0
        total = max(sum(inside.values()) + score + no_language, _EPSILON)
        shares = tuple((code, share / total) for code, share in inside.items())
        return Detection(shares, rival, score)

    def _by_script(self, code: str, text: str) -> str:
        """``code``, or for Chinese the adapter of the script that ``text`` is written in."""
        script = chinese_script(text) if code in self._chinese else None
        return (script and resolve(f"zh-{script}", self._languages).xmod_language) or code
