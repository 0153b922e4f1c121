"""Scripts, naive Bayes, py3langid and CLD2 as one: probabilities over the trained languages."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.language.detection import Floats
from pipeline.language.ensemble import load_ensemble
from pipeline.language.library import Library, meaning_of
from pipeline.language.naive_bayes import load
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2
from pipeline.language.scripts import LATIN_SERBIAN, chinese_script, language_of_script
from pipeline.language.tags import bcp47

COUNTS, ENSEMBLE = "naive_bayes.safetensors", "ensemble.json"
"""What ``demo/train_identifier.py`` writes."""

_SURE = 0.5
"""From this probability on, naive Bayes decides without the libraries."""
_SHORT = 60
"""Maximum number of characters of a text for which libraries are asked."""
_MAJORITY, _EPSILON, _NEGLIGIBLE = 0.5, 1e-9, 1e-6
_SCRIPTS = {"zh_CN": "Hans", "zh_TW": "Hant"}
_INDISTINCT = (frozenset(_SCRIPTS), frozenset({"hr_HR", "sr_RS", LATIN_SERBIAN}))
"""Labels that libraries do not distinguish: ``zh`` is either, and Serbian in Latin script gets
``hr``. A library's probability counts for all of a set, and naive Bayes decides among them."""


class Experts:
    """Scripts that decide by themselves, then naive Bayes, then libraries for what is in doubt."""

    def __init__(self, folder: Path) -> None:
        files = (folder / COUNTS, folder / ENSEMBLE)
        self._model, self._ensemble = load(files[0]), load_ensemble(files[1])
        self._py3langid, self.cld2 = Py3langid(), Pycld2()
        digests = " ".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
        self.version = f"{self._py3langid.version}, {self.cld2.version}, counts {digests}"
        self.labels = self._model.labels
        self.tags = [bcp47(label, (label,)) for label in self.labels]
        # Uniform over languages: a language that is trained in two scripts has two labels.
        self._prior = np.array([1 / self.tags.count(tag) for tag in self.tags], dtype=np.float32)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """float32 [texts, labels] of cleaned ``texts``; a row is 0 where nothing is recognized."""
        shares = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        for row, answer in enumerate(language_of_script(texts)):
            if answer is not None and answer[0] in self.labels:
                shares[row, self.labels.index(answer[0])] = answer[1]
        undecided = np.flatnonzero(~shares.any(axis=1))
        shares[undecided] = self._by_contents([texts[row] for row in undecided.tolist()])
        self._split_chinese(shares, texts)
        return shares

    def _split_chinese(self, shares: Floats, texts: Sequence[str]) -> None:
        """Move the probability of Chinese to the script that its characters are of."""
        chinese = [place for place, label in enumerate(self.labels) if label in _SCRIPTS]
        for row in np.flatnonzero(shares[:, chinese].sum(axis=1) > _MAJORITY).tolist():
            if script := chinese_script(texts[row]):
                matches = [_SCRIPTS[self.labels[place]] == script for place in chinese]
                shares[row, chinese] = shares[row, chinese].sum() * np.array(matches)

    def _by_contents(self, texts: list[str]) -> Floats:
        likelihoods, features = self._model.likelihoods(texts)
        shares = self._ensemble.alone(likelihoods, features)
        unsure = np.flatnonzero(in_doubt(shares, texts) & (features > 0))
        asked = [texts[row] for row in unsure.tolist()]
        shares[unsure] = self._ensemble.together(
            likelihoods[unsure],
            features[unsure],
            opinions(self._py3langid, self.labels, asked),
            opinions(self.cld2, self.labels, asked),
        )
        shares *= self._prior
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), _EPSILON)
        return shares


def in_doubt(shares: Floats, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Whether to ask libraries, bool [texts]: ``shares`` [texts, labels] are low, the text short.

    In long texts only close relatives leave doubt, which naive Bayes distinguishes better.
    """
    short = np.array([len(text) <= _SHORT for text in texts], dtype=bool)
    doubt: NDArray[np.bool_] = (shares.max(axis=1, initial=0) < _SURE) & short
    return doubt


def opinions(library: Library, labels: tuple[str, ...], texts: Sequence[str]) -> Floats:
    """Probabilities by ``library`` of ``texts`` with letters; float32 [texts, labels]."""
    shares = np.zeros((len(texts), len(labels)), dtype=np.float32)
    positions = _positions(tuple(library.labels), labels)
    for row, text in enumerate(texts):
        for label, share in library.probabilities(text):
            if share > _NEGLIGIBLE:
                for place in positions.get(label, ()):
                    shares[row, place] += share
    return shares


@cache
def _positions(library_labels: tuple[str, ...], labels: tuple[str, ...]) -> dict[str, list[int]]:
    """The positions in ``labels`` that each of a library's labels counts for."""
    found: dict[str, list[int]] = {}
    for label in library_labels:
        code = meaning_of(label, labels).xmod_language
        codes = next((some for some in _INDISTINCT if code in some), {code})
        found[label] = [place for place, other in enumerate(labels) if other in codes]
    return found
