"""Naive Bayes over letters, n-grams, words and pairs of words, counted in texts of known languages.

Enters: texts. Leaves: how much more likely each language makes them. What holds: what a text is
made of (see ``ngrams``) is counted as if independent, as in Lui and Baldwin, "langid.py" (ACL 2012)
and Dunning, "Statistical Identification of Language" (1994), with additive smoothing; of spans that
were never counted nothing is said; an answer depends on its text alone.
"""

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

AT_ONCE = 256
"""Texts of one sparse product, so that a unit of long texts does not fill the memory."""
_TENSORS = ("letters", "letter_weights", "spans", "met_in", "languages", "weights", "floor")
_BUCKET_BITS = 20
"""Leading bits of a hash that find its place among the sorted ones in one step."""


@dataclass(frozen=True, kw_only=True)
class NaiveBayes:
    """What was counted, as logarithms; labels are X-MOD languages.

    ``letters`` are code points and ``letter_weights`` uint8 [letters, labels]. ``spans`` are sorted
    hashes, each met in ``met_in`` labels, uint8 [spans]; ``languages`` and ``weights``, uint8, have
    these labels and weights one span after the other. Weights count in ``scale``, on top of
    ``floor`` [labels], what a label gives to a span that it never had.
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
        """Log-likelihoods [texts, labels], best 0, and [texts] the weight of all that spoke."""
        parts = [
            self._likelihoods(texts[first : first + AT_ONCE])
            for first in range(0, len(texts), AT_ONCE)
        ]
        nothing = np.zeros((0, len(self.labels)), dtype=np.float32)
        return (
            np.concatenate([nothing, *(found for found, _ in parts)]),
            np.concatenate([nothing[:, 0], *(spoke for _, spoke in parts)]),
        )

    def _likelihoods(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        made_of = evidence(texts)
        letters = _occurrences(
            self._letter_places[made_of.letters],
            np.full(len(made_of.letters), LETTER_WEIGHT, dtype=np.float32),
            made_of.letter_bounds,
            len(self.letters),
        )
        spans = _occurrences(
            self._places(made_of.spans),
            SPAN_WEIGHTS[made_of.span_kinds],
            made_of.span_bounds,
            len(self.spans),
        )
        spoke = letters.sum(axis=1) + spans.sum(axis=1)
        found = letters @ self._letter_table + (spans @ self._span_table).toarray()
        found += spoke[:, None] * self.floor
        return found - found.max(axis=1, keepdims=True), spoke

    def _places(self, hashes: Codes) -> NDArray[np.int32]:
        """Where each hash stands among ``spans``, -1 where it does not."""
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
        # Imported by the detector that needs it, as libraries are.
        from scipy.sparse import csr_array

        values = self.weights * np.float32(self.scale)
        bounds = np.concatenate([[0], np.cumsum(self.met_in, dtype=np.int32)]).astype(np.int32)
        shape = (len(self.spans), len(self.labels))
        return csr_array((values, self.languages.astype(np.int32), bounds), shape=shape)


def _occurrences(
    places: NDArray[np.int32], weights: Floats, bounds: Positions, width: int
) -> "csr_array":
    """[texts, width]: its weight for each of ``places`` that is not -1."""
    from scipy.sparse import csr_array

    known = places >= 0
    before = np.concatenate([[0], np.cumsum(known)]).astype(np.int32)
    shape = (len(bounds) - 1, width)
    return csr_array((weights[known], places[known], before[bounds]), shape=shape)


def load(path: Path) -> NaiveBayes:
    """The model that ``save_model`` wrote to ``path``."""
    with safe_open(path, framework="np") as file:
        told = json.loads(file.metadata()["counts"])
        tensors: dict[str, Any] = {name: file.get_tensor(name) for name in _TENSORS}
    return NaiveBayes(labels=tuple(told["labels"]), scale=told["scale"], **tensors)


def save_model(model: NaiveBayes, path: Path) -> None:
    """Write ``model`` to ``path``."""
    told = {"labels": model.labels, "scale": model.scale}
    # safetensors writes what lies in memory, and not what a strided view shows of it.
    tensors = {name: np.ascontiguousarray(getattr(model, name)) for name in _TENSORS}
    # One entry: safetensors writes several in any order, and the digest of the file is its version.
    path.write_bytes(save(tensors, metadata={"counts": json.dumps(told)}))
