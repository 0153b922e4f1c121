"""langdetect: 55 labels; the slowest, and without a third of X-MOD's languages."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import regex

_SEED = 0
_HANGUL = regex.compile(r"\p{Hangul}")


class Langdetect:
    """Character n-gram profiles, sampled seven times per text.

    Each text has a detector of its own with the same seed, and profiles are loaded in a fixed
    order, so that an answer depends on its text alone. Labels are ISO 639-1 codes, ``zh-cn`` and
    ``zh-tw``.
    """

    def __init__(self) -> None:
        from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
        from langdetect.lang_detect_exception import LangDetectException

        self._no_features: type[Exception] = LangDetectException
        self._factory = DetectorFactory()
        self._factory.set_seed(_SEED)
        profiles = sorted(Path(PROFILES_DIRECTORY).iterdir())
        self._factory.load_json_profile([path.read_text("utf-8") for path in profiles])
        self.labels = list(self._factory.get_lang_list())
        self.version = f"langdetect {version('langdetect')}"
        # The Korean profile is full of Chinese characters: traditional Chinese passes for Korean.
        self._not_korean = {label: 1.0 for label in self.labels if label != "ko"}

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """All labels; they add up to 1. Empty where no n-gram of the text is in any profile."""
        detector = self._factory.create()
        if not _HANGUL.search(text):
            detector.set_prior_map(self._not_korean)
        detector.append(text)
        try:
            detector.get_probabilities()
        except self._no_features:
            return []
        return zip(self.labels, detector.langprob, strict=True)
