"""fastText with a model of the user's, such as lid.176, GlotLID or OpenLID."""

import hashlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from pipeline.errors import ConfigError

_PREFIX = "__label__"
_TOP_LABELS = 10
"""Labels to predict; the others add up to a few percent at most."""


class FastText:
    """A supervised fastText model (Joulin et al., "Bag of Tricks", EACL 2017), read from disk."""

    def __init__(self, path: Path | None) -> None:
        """Raises ConfigError where there is no path, no such model, or no package to read it."""
        if path is None:
            raise ConfigError(
                "language.detector is 'fasttext' and language.detector_model is not set; expected "
                "the path of a fastText model on each machine, such as /models/lid.176.bin."
            )
        try:
            import fasttext
        except ImportError:
            raise ConfigError(
                "language.detector is 'fasttext', and fasttext-predict is not installed. "
                "Run: pip install 'xmod-pipeline[fasttext]', or set language.detector to another."
            ) from None
        try:
            self._model = fasttext.load_model(str(path))
            # A threshold below 0 keeps labels of probability 0.
            self._own_labels, _ = self._model.predict("", k=-1, threshold=-1.0)
            self._path = path
        except (ValueError, OSError) as error:
            raise ConfigError(
                f"language.detector_model is {str(path)!r}: {error}. "
                "Expected a fastText model (.bin or .ftz) on each machine."
            ) from None

    @property
    def labels(self) -> Sequence[str]:
        """The model's labels without ``__label__``, such as ``en`` or ``eng_Latn``.

        ``als`` beside ``sq``, as in lid.176, is Wikipedia's code of Alemannic and becomes ``gsw``;
        in other models (``als_Latn``) it is that of ISO 639-3, Tosk Albanian.
        """
        return [self._label(label) for label in self._own_labels]

    @property
    def version(self) -> str:
        """The package's version and the model's digest."""
        with self._path.open("rb") as model:
            digest = hashlib.file_digest(model, "sha256").hexdigest()
        return f"fasttext-predict {version('fasttext-predict')}, model sha256 {digest}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """The likeliest labels."""
        labels, shares = self._model.predict(text.replace("\n", " "), k=_TOP_LABELS)
        return zip(map(self._label, labels), shares, strict=True)

    def _label(self, own: str) -> str:
        is_alemannic = own == f"{_PREFIX}als" and f"{_PREFIX}sq" in self._own_labels
        return "gsw" if is_alemannic else own.removeprefix(_PREFIX)
