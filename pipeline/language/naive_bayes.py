"""Naive Bayes over letters, n-grams, words and pairs of words of known languages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from pipeline.language.detection import Floats
from pipeline.language.ngrams import (
    CODE_POINTS,
    LETTER_WEIGHT,
    SPAN_WEIGHTS,
    Codes,
    Positions,
    evidence,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BATCH = 256
"""Texts per sparse product, which bounds the memory that a unit of long texts takes."""
_TENSORS = ("letters", "letter_weights", "spans", "met_in", "languages", "weights", "floor")
_BUCKET_BITS = 20
"""Leading bits of a hash, which are its index into the buckets of sorted hashes."""


@dataclass(frozen=True, kw_only=True)
class NaiveBayes:
    """Log weights of each feature in each language, in bytes; labels are X-MOD languages.

    Features count as independent, with additive smoothing (Dunning, "Statistical Identification of
    Language", 1994; Lui and Baldwin, "langid.py", ACL 2012); spans not in the model count nothing.

    ``letters`` are code points and ``letter_weights`` uint8 [letters, labels]. ``spans`` are sorted
    hashes, each in ``met_in`` labels, uint8 [spans]; ``languages`` and ``weights``, uint8, hold
    those labels and their weights, one span after the other. A weight is in units of ``scale`` and
    on top of ``floor`` [labels], the log-likelihood of a span that the label lacks.
    """

    labels: tuple[str, ...]
    letters: Codes
    letter_weights: NDArray[np.uint8]
    spans: Codes
    met_in: NDArray[np.uint8]
    languages: NDArray[np.uint8]
    weights: NDArray[np.uint8]
    floor: Floats
    scale: float

    def likelihoods(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Log-likelihoods [texts, labels], best 0, and [texts] the weight of known features."""
        starts = range(0, max(1, len(texts)), _BATCH)
        parts = [self._likelihoods(texts[start : start + _BATCH]) for start in starts]
        found, features = zip(*parts, strict=True)
        return np.concatenate(found), np.concatenate(features)

    def _likelihoods(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        found = evidence(texts)
        letters = _occurrences(
            self._letter_places[found.letters],
            np.full(len(found.letters), LETTER_WEIGHT, dtype=np.float32),
            found.letter_bounds,
            len(self.letters),
        )
        spans = _occurrences(
            self._places(found.spans),
            SPAN_WEIGHTS[found.span_kinds],
            found.span_bounds,
            len(self.spans),
        )
        features = letters.sum(axis=1) + spans.sum(axis=1)
        logs = letters @ self._letter_table + (spans @ self._span_table).toarray()
        logs += features[:, None] * self.floor
        return logs - logs.max(axis=1, keepdims=True), features

    def _places(self, hashes: Codes) -> NDArray[np.int32]:
        """The position of each hash in ``spans``, -1 where it is not there."""
        bucket = hashes >> np.uint32(32 - _BUCKET_BITS)
        place, stop = self._buckets[bucket], self._buckets[bucket + 1]
        found = np.full(len(hashes), -1, dtype=np.int32)
        live = np.flatnonzero(place < stop)
        while len(live):
            here = place[live]
            hit = self.spans[here] == hashes[live]
            found[live[hit]] = here[hit]
            live = live[~hit]
            place[live] += 1
            live = live[place[live] < stop[live]]
        return found

    @cached_property
    def _buckets(self) -> NDArray[np.int32]:
        first = np.arange(2**_BUCKET_BITS, dtype=np.uint32) << np.uint32(32 - _BUCKET_BITS)
        begins = np.searchsorted(self.spans, first).astype(np.int32)
        return np.concatenate([begins, np.array([len(self.spans)], dtype=np.int32)])

    @cached_property
    def _letter_places(self) -> NDArray[np.int32]:
        places = np.full(CODE_POINTS, -1, dtype=np.int32)
        places[self.letters] = np.arange(len(self.letters))
        return places

    @cached_property
    def _letter_table(self) -> Floats:
        return self.letter_weights * np.float32(self.scale)

    @cached_property
    def _span_table(self) -> "csr_array":
        from scipy.sparse import csr_array  # by the only detector that needs it

        values = self.weights * np.float32(self.scale)
        bounds = np.concatenate([[0], np.cumsum(self.met_in, dtype=np.int32)]).astype(np.int32)
        shape = (len(self.spans), len(self.labels))
        return csr_array((values, self.languages.astype(np.int32), bounds), shape=shape)


def _occurrences(
    places: NDArray[np.int32], weights: Floats, bounds: Positions, width: int
) -> "csr_array":
    """[texts, width]: the summed weights at each of ``places`` that is not -1."""
    from scipy.sparse import csr_array

    known = places >= 0
    before = np.concatenate([[0], np.cumsum(known)]).astype(np.int32)
    shape = (len(bounds) - 1, width)
    return csr_array((weights[known], places[known], before[bounds]), shape=shape)


def load(path: Path) -> NaiveBayes:
    """The model that ``save_model`` wrote to ``path``."""
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["counts"])
        tensors: dict[str, Any] = {name: file.get_tensor(name) for name in _TENSORS}
    return NaiveBayes(labels=tuple(header["labels"]), scale=header["scale"], **tensors)


def save_model(model: NaiveBayes, path: Path) -> None:
    """Write ``model`` to ``path``."""
    header = json.dumps({"labels": model.labels, "scale": model.scale})
    # safetensors writes an array's memory as it is, so that a strided view must be copied.
    tensors = {name: np.ascontiguousarray(getattr(model, name)) for name in _TENSORS}
    # One entry, as safetensors orders several at random and the file's digest is its version.
    path.write_bytes(save(tensors, metadata={"counts": header}))
