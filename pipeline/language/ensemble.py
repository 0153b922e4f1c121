"""How naive Bayes and two libraries make one answer.

Enters: log-likelihoods of naive Bayes, and where these leave doubt the probabilities of py3langid
and CLD2. Leaves: probabilities. What holds: a product of experts (Hinton, "Training Products of
Experts by Minimizing Contrastive Divergence", 2002): logarithms add up, with one weight an expert
that was fitted on dev parts.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipeline.language.detection import Floats

UNHEARD = {"py3langid": 1e-4, "cld2": 1e-2}
"""What a library that does not name a language gives to it all the same."""


@dataclass(frozen=True)
class Ensemble:
    """``sharpness × n ** -power`` is what a log-likelihood counts in which ``n`` spoke.

    They are not independent, so that the more there are, the less each one tells. The last three
    are the weights of the experts.
    """

    sharpness: float = 1.0
    power: float = 0.0
    naive_bayes: float = 1.0
    py3langid: float = 0.0
    cld2: float = 0.0

    def alone(self, likelihoods: Floats, spoke: Floats) -> Floats:
        """Probabilities [texts, labels]; rows are 0 where nothing spoke."""
        return softmax(self.tempered(likelihoods, spoke)) * (spoke > 0)[:, None]

    def together(
        self, likelihoods: Floats, spoke: Floats, py3langid: Floats, cld2: Floats
    ) -> Floats:
        """Probabilities of all three, each [texts, labels]."""
        return softmax(
            self.naive_bayes * self.tempered(likelihoods, spoke)
            + self.py3langid * np.log(py3langid + UNHEARD["py3langid"])
            + self.cld2 * np.log(cld2 + UNHEARD["cld2"])
        )

    def tempered(self, likelihoods: Floats, spoke: Floats) -> Floats:
        """``likelihoods`` [texts, labels] as what they are worth."""
        worth = self.sharpness * np.maximum(spoke, 1) ** -self.power
        tempered: Floats = likelihoods * worth[:, None].astype(np.float32)
        return tempered


def softmax(logits: Floats) -> Floats:
    """Rows of ``logits`` as probabilities."""
    shares: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def load_ensemble(path: Path) -> Ensemble:
    """The blend that ``save_ensemble`` wrote to ``path``."""
    return Ensemble(**json.loads(path.read_text(encoding="utf-8")))


def save_ensemble(blend: Ensemble, path: Path) -> None:
    """Write ``blend`` to ``path``."""
    path.write_text(json.dumps(asdict(blend), indent=1) + "\n", encoding="utf-8")
