"""Detectors: texts in, X-MOD languages with a probability out.

Enters: texts, and the X-MOD languages that may be answered. Leaves: one ``Detection`` a text, in
order. What holds: an answer depends on its text alone, not on the batch; text without letters gets
no language. A score is a probability among the given languages and the likeliest other one that the
library knows: without the other one, Greek would pass for Swedish in a checkpoint without Greek,
and against all others, short texts would score too low (``benchmarks/language_detectors.py`` has
the figures: *strays*, *routed right*).

A detector to add: a file with a ``Library``, a line in ``DETECTORS``, a test.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.language.evidence import chinese_script, legible
from pipeline.language.langdetect_library import Langdetect
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2
from pipeline.language.tags import UNDETERMINED, bcp47, resolve


@dataclass(frozen=True)
class Detection:
    """``language`` is the likeliest X-MOD code, None where the text tells nothing.

    ``outside`` is the likeliest language that is not among the given ones, as a BCP 47 tag, with
    its score among all that the library knows. Scores are 0 to 1.
    """

    language: str | None
    score: float
    outside: str | None = None
    outside_score: float = 0.0


class Detector(Protocol):
    """Tells the languages of texts."""

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""


class Library(Protocol):
    """A language identification library, loaded once; labels are its own."""

    @property
    def labels(self) -> Sequence[str]:
        """Every label that it may give."""

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """Labels with their probabilities for a ``text`` with letters; what is left out is 0.

        A label that is no language, such as ``und``, takes what speaks for none.
        """


DETECTORS: dict[str, Callable[[], Library]] = {
    "langdetect": Langdetect,
    "py3langid": Py3langid,
    "pycld2": Pycld2,
}
"""Name in the config → the library, which is imported when one is made."""

_NOT_TOLD_APART = {"bs": "hr"}
"""No library tells Bosnian from Croatian in a sentence, and it would take half of its score."""


def make_detector(name: str, languages: Sequence[str]) -> Detector:
    """The detector ``name`` of the config, to answer with ``languages`` (X-MOD codes).

    Raises ConfigError where there is no such detector, or it knows none of the languages.
    """
    if name not in DETECTORS:
        raise ConfigError(
            f"Unknown detector {name!r}. Available: {', '.join(sorted(DETECTORS))}. "
            "Set language.detector in the config."
        )
    detector = LibraryDetector(DETECTORS[name](), tuple(languages))
    if not detector.known:
        raise ConfigError(
            f"Detector {name!r} knows none of the languages {', '.join(languages)}. "
            "Set language.detector in the config to another, or give a language column."
        )
    return detector


class LibraryDetector:
    """Brings a library's labels to X-MOD languages."""

    def __init__(self, library: Library, languages: tuple[str, ...]) -> None:
        self._library = library
        self._languages = languages
        means = {
            label: resolve(_NOT_TOLD_APART.get(label, label), languages) for label in library.labels
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
