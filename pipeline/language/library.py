"""Detectors that are a library's: its labels become X-MOD languages.

Enters: texts, a library, and the X-MOD languages that may be answered. Leaves: ``Detection``s.
What holds: see ``detection``; what a library calls no language speaks for none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.language.calibration import Calibration
from pipeline.language.detection import Detection, rankings
from pipeline.language.evidence import chinese_script, legible
from pipeline.language.tags import UNDETERMINED, bcp47, resolve

NOT_TOLD_APART = {"bs": "hr"}
"""No library tells Bosnian from Croatian in a sentence, and it would take half of its score."""


_NOTHING = 1e-9


class Library(Protocol):
    """A language identification library, loaded once; labels are its own."""

    @property
    def labels(self) -> Sequence[str]:
        """Every label that it may give."""

    @property
    def version(self) -> str:
        """What its answers depend on besides texts."""

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """Labels with their probabilities for a ``text`` with letters; what is left out is 0.

        A label that is no language, such as ``und``, takes what speaks for none.
        """


class LibraryDetector:
    """Brings a library's labels to X-MOD languages, and its scores to probabilities."""

    def __init__(
        self, library: Library, languages: tuple[str, ...], trust: Calibration | None = None
    ) -> None:
        self._library = library
        self._languages = languages
        self._places = {code: place for place, code in enumerate(languages)}
        self._trust = trust or Calibration()
        means = {
            label: resolve(NOT_TOLD_APART.get(label, label), languages) for label in library.labels
        }
        self._outside = {label: meaning.bcp47 for label, meaning in means.items()}
        self._inside = {
            label: meaning.xmod_language
            for label, meaning in means.items()
            if meaning.xmod_language
        }
        self._chinese = {
            code for code in languages if bcp47(code, languages) in ("zh-Hans", "zh-Hant")
        }

    @property
    def known(self) -> frozenset[str]:
        """The languages that this detector can answer at all."""
        found = frozenset(self._inside.values())
        return found | self._chinese if found & self._chinese else found

    @property
    def version(self) -> str:
        """The library's."""
        return self._library.version

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""
        seen = [legible(text) for text in texts]
        heard = [self._hear(text) for text in seen]
        lengths = np.array([len(text) for text in seen])
        inside = np.zeros((len(texts), len(self._languages)), dtype=np.float32)
        for row, one in enumerate(heard):
            for code, share in one.inside.items():
                inside[row, self._places[code]] = share
        beside = np.array([one.beside for one in heard], dtype=np.float32)
        ranked = rankings(self._trust.shares(inside, lengths), self._languages)
        sure = self._trust.probabilities(beside, lengths).tolist()
        return [
            Detection(ranking, one.rival, score)
            for ranking, one, score in zip(ranked, heard, sure, strict=True)
        ]

    def _hear(self, text: str) -> "_Heard":
        if not text:
            return _Heard({}, None, 0.0)
        inside: dict[str, float] = defaultdict(float)
        outside: dict[str, float] = defaultdict(float)
        for label, probability in self._library.probabilities(text):
            code = self._inside.get(label)
            if code is not None:
                inside[self._by_script(code, text)] += probability
            else:
                outside[self._outside.get(label, UNDETERMINED)] += probability
        nothing = outside.pop(UNDETERMINED, 0.0)
        rival = max(outside, key=lambda tag: outside[tag], default=None)
        beside = outside[rival] if rival else 0.0
        whole = max(sum(inside.values()) + beside + nothing, _NOTHING)
        return _Heard({code: share / whole for code, share in inside.items()}, rival, beside)

    def _by_script(self, code: str, text: str) -> str:
        """``code``; of Chinese, the adapter of the script of ``text`` where that is told."""
        if code not in self._chinese:
            return code
        script = chinese_script(text)
        return (script and resolve(f"zh-{script}", self._languages).xmod_language) or code


@dataclass(frozen=True)
class _Heard:
    """Shares of X-MOD languages, and the likeliest of the others with its share."""

    inside: dict[str, float]
    rival: str | None
    beside: float
