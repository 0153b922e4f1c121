"""The table of detectors.

Enters: a name from the config, and the X-MOD languages that may be answered. Leaves: a detector.
What holds: a library is imported when its detector is made.

A detector to add: a file with a ``Library`` (or a ``Detector`` of its own), a line in
``DETECTORS``, a test.
"""

from collections.abc import Callable, Sequence

from pipeline.errors import ConfigError
from pipeline.language.cascade import Cascade
from pipeline.language.detection import Detector
from pipeline.language.langdetect_library import Langdetect
from pipeline.language.library import LibraryDetector
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2

Languages = tuple[str, ...]

DETECTORS: dict[str, Callable[[Languages], Detector]] = {
    "cascade": Cascade,
    "langdetect": lambda languages: LibraryDetector(Langdetect(), languages),
    "py3langid": lambda languages: LibraryDetector(Py3langid(), languages),
    "pycld2": lambda languages: LibraryDetector(Pycld2(), languages),
}
"""Name in the config → what makes the detector for some X-MOD languages."""


def make_detector(name: str, languages: Sequence[str]) -> Detector:
    """The detector ``name`` of the config, to answer with ``languages`` (X-MOD codes).

    Raises ConfigError where there is no such detector, or it knows none of the languages.
    """
    if name not in DETECTORS:
        raise ConfigError(
            f"Unknown detector {name!r}. Available: {', '.join(sorted(DETECTORS))}. "
            "Set language.detector in the config."
        )
    detector = DETECTORS[name](tuple(languages))
    if not detector.known:
        raise ConfigError(
            f"Detector {name!r} knows none of the languages {', '.join(languages)}. "
            "Set language.detector in the config to another, or give a language column."
        )
    return detector
