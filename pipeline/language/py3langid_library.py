"""py3langid: 140 labels, all of X-MOD's languages, the most accurate library alone."""

from collections.abc import Iterable
from importlib.metadata import version


class Py3langid:
    """Naive Bayes over byte n-grams, with a model that no other ``set_languages`` changes.

    Labels are ISO 639 codes; ``zh`` is both scripts, ``zxx`` no language.
    """

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self.labels: list[str] = list(self._identifier.labels)
        self.version = f"py3langid {version('py3langid')}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """All labels, likeliest first; they add up to 1."""
        ranking: list[tuple[str, float]] = self._identifier.rank(text)
        return ranking
