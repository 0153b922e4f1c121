"""How naive Bayes, py3langid and CLD2 are combined into one answer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipeline.language.detection import Floats

_PY3LANGID_FLOOR, _CLD2_FLOOR = 1e-4, 1e-2
"""Added to a library's probabilities, so that a language that it leaves out stays possible."""


@dataclass(frozen=True)
class Ensemble:
    """A product of experts with fitted weights.

    Weighted logarithms add up (Hinton, "Training Products of Experts by Minimizing Contrastive
    Divergence", 2002). Log-likelihoods of naive Bayes are scaled by ``sharpness × n ** -power``:
    its ``n`` features are not independent, so that each tells less the more there are.
    """

    sharpness: float = 1.0
    power: float = 0.0
    naive_bayes: float = 1.0
    py3langid: float = 0.0
    cld2: float = 0.0

    def alone(self, likelihoods: Floats, features: Floats) -> Floats:
        """Probabilities [texts, labels] by naive Bayes; a row is 0 where ``features`` is 0."""
        return _softmax(self._tempered(likelihoods, features)) * (features > 0)[:, None]

    def together(
        self, likelihoods: Floats, features: Floats, py3langid: Floats, cld2: Floats
    ) -> Floats:
        """Probabilities by all three experts; all but ``features`` [texts] are [texts, labels]."""
        return _softmax(
            self.naive_bayes * self._tempered(likelihoods, features)
            + self.py3langid * np.log(py3langid + _PY3LANGID_FLOOR)
            + self.cld2 * np.log(cld2 + _CLD2_FLOOR)
        )

    def _tempered(self, likelihoods: Floats, features: Floats) -> Floats:
        scale = self.sharpness * np.maximum(features, 1) ** -self.power
        tempered: Floats = likelihoods * scale[:, None].astype(np.float32)
        return tempered


def _softmax(logits: Floats) -> Floats:
    shares: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def load_ensemble(path: Path) -> Ensemble:
    """The ensemble that ``save_ensemble`` wrote to ``path``."""
    return Ensemble(**json.loads(path.read_text(encoding="utf-8")))


def save_ensemble(ensemble: Ensemble, path: Path) -> None:
    """Write ``ensemble`` to ``path``."""
    path.write_text(json.dumps(asdict(ensemble), indent=1) + "\n", encoding="utf-8")
