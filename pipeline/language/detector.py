"""The table of detectors; to add one, write a ``Library`` or a ``Detector`` and add a line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.language.calibration import Calibration, calibration_of
from pipeline.language.cascade import Cascade
from pipeline.language.detection import Detector
from pipeline.language.fasttext_library import FastText
from pipeline.language.langdetect_library import Langdetect
from pipeline.language.library import Library, LibraryDetector
from pipeline.language.lingua_library import Lingua
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2


@dataclass(frozen=True)
class Choice:
    """What a detector is made from: X-MOD languages, its calibration, and a model file if any."""

    languages: tuple[str, ...]
    calibration: Calibration | None = None
    model: Path | None = None


def _of(library: Callable[[Choice], Library]) -> Callable[[Choice], Detector]:
    return lambda choice: LibraryDetector(library(choice), choice.languages, choice.calibration)


DETECTORS: dict[str, Callable[[Choice], Detector]] = {
    "cascade": lambda choice: Cascade(choice.languages, choice.calibration),
    "fasttext": _of(lambda choice: FastText(choice.model)),
    "langdetect": _of(lambda _: Langdetect()),
    "lingua": _of(lambda _: Lingua()),
    "py3langid": _of(lambda _: Py3langid()),
    "pycld2": _of(lambda _: Pycld2()),
}
"""``language.detector`` → factory, which imports the library when it is called."""


def make_detector(name: str, languages: Sequence[str], model: Path | None = None) -> Detector:
    """The detector ``name``, which answers with those of ``languages`` (X-MOD codes) it knows.

    Raises ConfigError where there is no such detector.
    """
    if name not in DETECTORS:
        raise ConfigError(
            f"Unknown detector {name!r}. Available: {', '.join(sorted(DETECTORS))}. "
            "Set language.detector in the config."
        )
    return DETECTORS[name](Choice(tuple(languages), calibration_of(name), model))
