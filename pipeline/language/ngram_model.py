"""A linear classifier of languages over hashed character n-grams.

Enters: texts. Leaves: probabilities of the languages that it was trained on. What holds: weights
come from a safetensors file with its labels in the metadata; an answer depends on its text alone.
The features are those of fastText's classifier (Joulin et al., "Bag of Tricks for Efficient Text
Classification", EACL 2017) without its bottleneck: one weight a bucket and language.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from pipeline.language.ngrams import ngrams

Floats = NDArray[np.float32]

AT_ONCE = 256
"""Texts of one sparse product, so that a unit of long texts does not fill the memory."""


@dataclass(frozen=True)
class NgramModel:
    """``weights`` float32 [buckets, labels] and ``bias`` [labels].

    ``sharpness`` and ``slope`` calibrate: logits are multiplied by
    ``sharpness + slope × log(n-grams)``.
    """

    labels: tuple[str, ...]
    weights: Floats
    bias: Floats
    sharpness: float = 1.0
    slope: float = 0.0

    @property
    def bits(self) -> int:
        """Binary logarithm of the number of buckets."""
        return len(self.weights).bit_length() - 1

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """float32 [texts, labels]; rows add up to 1, and are 0 where a text has no letters."""
        parts = [
            self._probabilities(texts[first : first + AT_ONCE])
            for first in range(0, len(texts), AT_ONCE)
        ]
        return np.concatenate([np.zeros((0, len(self.labels)), dtype=np.float32), *parts])

    def _probabilities(self, texts: Sequence[str]) -> Floats:
        # Imported by the detector that needs it, as libraries are.
        from scipy.sparse import csr_array

        found = ngrams(texts, self.bits)
        ones = np.ones(len(found.buckets), dtype=np.float32)
        shape = (len(texts), len(self.weights))
        summed = csr_array((ones, found.buckets, found.bounds), shape=shape) @ self.weights
        counts = np.maximum(found.counts, 1).astype(np.float32)[:, None]
        logits = summed / np.sqrt(counts) + self.bias
        logits *= self.sharpness + self.slope * np.log(counts)
        shares: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares *= (found.counts > 0)[:, None] / shares.sum(axis=1, keepdims=True)
        return shares


def load(path: Path) -> NgramModel:
    """The model that ``save_model`` wrote to ``path``."""
    with safe_open(path, framework="np") as file:
        told = file.metadata()
        return NgramModel(
            labels=tuple(json.loads(told["labels"])),
            weights=file.get_tensor("weights") * file.get_tensor("scale"),
            bias=file.get_tensor("bias"),
            sharpness=float(told["sharpness"]),
            slope=float(told["slope"]),
        )


def rounded(model: NgramModel) -> NgramModel:
    """``model`` with the weights that ``save_model`` writes."""
    weights, scale = _stored(model.weights)
    return replace(model, weights=weights * scale)


def save_model(model: NgramModel, path: Path) -> None:
    """Write ``model``; weights as int8 with a scale a label."""
    weights, scale = _stored(model.weights)
    tensors: dict[str, NDArray[Any]] = {"weights": weights, "scale": scale, "bias": model.bias}
    told = {
        "labels": json.dumps(model.labels),
        "sharpness": repr(model.sharpness),
        "slope": repr(model.slope),
    }
    path.write_bytes(save(tensors, metadata=told))


def _stored(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9).astype(np.float32) / 127
    return np.round(weights / scale).astype(np.int8), scale
