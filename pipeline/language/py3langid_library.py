"""py3langid: 140 labels, all of X-MOD's languages, the most accurate library alone.

Enters: a text. Leaves: a probability for each label. What holds: the model is this object's own, so
that nobody else's ``set_languages`` changes it; the library is imported when one is made.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import version


class Py3langid:
    """Naive Bayes over byte n-grams; probabilities are calibrated for length by the library."""

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    @property
    def labels(self) -> Sequence[str]:
        """ISO 639 codes; ``zh`` for both scripts, ``zxx`` for what is no language."""
        return list(self._identifier.labels)

    @property
    def version(self) -> str:
        """The package's."""
        return f"py3langid {version('py3langid')}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """All labels, likeliest first; they add up to 1."""
        ranking: list[tuple[str, float]] = self._identifier.rank(text)
        return ranking
