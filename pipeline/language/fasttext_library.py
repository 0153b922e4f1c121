"""fastText: a model of the user's, such as lid.176, GlotLID or OpenLID.

Enters: a text, and the path of the model. Leaves: a probability for each label. What holds: labels
are the model's without ``__label__``, and are read as tags like any other; the model is a file on
this machine's disk, and nothing is downloaded.
"""

import hashlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from pipeline.errors import ConfigError

_LIKELIEST = 10
"""Labels that are asked for; what is left is a few percent at most."""


class FastText:
    """A supervised fastText model (Joulin et al., "Bag of Tricks", EACL 2017), read only."""

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
            self._path = path
        except (ValueError, OSError) as error:
            raise ConfigError(
                f"language.detector_model is {str(path)!r}: {error}. "
                "Expected a fastText model (.bin or .ftz) on each machine."
            ) from None

    @property
    def labels(self) -> Sequence[str]:
        """Whatever the model was trained with: ``en``, ``eng_Latn``."""
        # A threshold below 0 keeps labels of no probability at all.
        labels, _ = self._model.predict("", k=-1, threshold=-1.0)
        return [_plain(label) for label in labels]

    @property
    def version(self) -> str:
        """The package's, and the digest of the model."""
        with self._path.open("rb") as model:
            digest = hashlib.file_digest(model, "sha256").hexdigest()
        return f"fasttext-predict {version('fasttext-predict')}, model sha256 {digest}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """The likeliest labels."""
        labels, shares = self._model.predict(text.replace("\n", " "), k=_LIKELIEST)
        return [(_plain(label), share) for label, share in zip(labels, shares, strict=True)]


def _plain(label: str) -> str:
    return label.removeprefix("__label__")
