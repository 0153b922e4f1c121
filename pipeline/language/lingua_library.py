"""lingua: 75 languages, accurate on short texts; its n-gram models take 1.2 GB."""

from collections.abc import Iterable
from importlib.metadata import version

from pipeline.errors import ConfigError


class Lingua:
    """lingua's detector in high accuracy mode, over all its languages, so that others are named."""

    def __init__(self) -> None:
        """Raises ConfigError where the package is not installed."""
        try:
            from lingua import Language, LanguageDetectorBuilder
        except ImportError:
            raise ConfigError(
                "language.detector is 'lingua', and the package is not installed. "
                "Run: pip install 'xmod-pipeline[lingua]', or set language.detector to another."
            ) from None
        self._detector = LanguageDetectorBuilder.from_all_languages().build()
        self._codes = {
            language: language.iso_code_639_1.name.lower() for language in Language.all()
        }
        self.labels = list(self._codes.values())
        self.version = f"lingua {version('lingua-language-detector')}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """All labels, likeliest first; they add up to 1, or are 0 where no n-gram is known."""
        values = self._detector.compute_language_confidence_values(text)
        return [(self._codes[value.language], value.value) for value in values]
