"""Detectors that are a library's: its labels become X-MOD languages.

Enters: texts, a library, and the X-MOD languages that may be answered. Leaves: ``Detection``s.
What holds: see ``detection``; what a library calls no language speaks for none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from pipeline.language.detection import Detection
from pipeline.language.evidence import chinese_script, legible
from pipeline.language.tags import UNDETERMINED, bcp47, resolve

NOT_TOLD_APART = {"bs": "hr"}
"""No library tells Bosnian from Croatian in a sentence, and it would take half of its score."""


class Library(Protocol):
    """A language identification library, loaded once; labels are its own."""

    @property
    def labels(self) -> Sequence[str]:
        """Every label that it may give."""

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """Labels with their probabilities for a ``text`` with letters; what is left out is 0.

        A label that is no language, such as ``und``, takes what speaks for none.
        """


class LibraryDetector:
    """Brings a library's labels to X-MOD languages."""

    def __init__(self, library: Library, languages: tuple[str, ...]) -> None:
        self._library = library
        self._languages = languages
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

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""
        return [self._detect(legible(text)) for text in texts]

    def _detect(self, text: str) -> Detection:
        if not text:
            return Detection(None, 0.0)
        inside: dict[str, float] = defaultdict(float)
        outside: dict[str, float] = defaultdict(float)
        for label, probability in self._library.probabilities(text):
            code = self._inside.get(label)
            if code is not None:
                inside[self._one_chinese(code)] += probability
            else:
                outside[self._outside.get(label, UNDETERMINED)] += probability
        return self._decide(text, inside, outside)

    def _decide(self, text: str, inside: dict[str, float], outside: dict[str, float]) -> Detection:
        nothing = outside.pop(UNDETERMINED, 0.0)
        best = max(inside, key=lambda code: inside[code], default=None)
        rival = max(outside, key=lambda tag: outside[tag], default=None)
        heard = inside[best] if best else 0.0
        beside = outside[rival] if rival else 0.0
        whole = sum(inside.values()) + beside + nothing
        if whole <= 0:
            return Detection(None, 0.0)
        language = self._by_script(best, text) if best and heard else None
        return Detection(language, heard / whole, rival, beside)

    def _one_chinese(self, code: str) -> str:
        return min(self._chinese) if code in self._chinese else code

    def _by_script(self, code: str, text: str) -> str:
        if code not in self._chinese:
            return code
        script = chinese_script(text) or "Hans"
        return resolve(f"zh-{script}", self._languages).xmod_language or code
