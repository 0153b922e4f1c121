"""py3langid: 140 labels, all of X-MOD's languages, the most accurate library alone."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version


class Py3langid:
    """Naive Bayes over byte n-grams, with a model that no other ``set_languages`` changes."""

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    @property
    def labels(self) -> Sequence[str]:
        """ISO 639 codes; ``zh`` for both scripts, ``zxx`` for no language."""
        return list(self._identifier.labels)

    @property
    def version(self) -> str:
        """The package's version."""
        return f"py3langid {version('py3langid')}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """All labels, likeliest first; they add up to 1."""
        ranking: list[tuple[str, float]] = self._identifier.rank(text)
        return ranking
