"""What scripts, counts and two libraries say of a text, over the languages that were counted.

Enters: texts without noise (see ``evidence``). Leaves: probabilities of X-MOD languages. What
holds: a script of one language decides by itself; naive Bayes is asked for the rest of a batch at
once; py3langid and CLD2 are asked for the few short texts that it is not sure of.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.language.detection import Floats
from pipeline.language.ensemble import load_ensemble
from pipeline.language.evidence import chinese_script
from pipeline.language.library import NOT_TOLD_APART, Library
from pipeline.language.naive_bayes import load
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2
from pipeline.language.scripts import LATIN_SERBIAN, told_by_script
from pipeline.language.tags import bcp47, resolve

COUNTS, ENSEMBLE = "naive_bayes.safetensors", "ensemble.json"
"""What ``demo/train_identifier.py`` writes."""

SURE = 0.5
"""From this probability on naive Bayes alone decides."""
SHORT = 60
"""Characters up to which libraries are asked at all."""
_MAIN, _NOTHING, _NEGLIGIBLE = 0.5, 1e-9, 1e-6
_SCRIPTS = {"zh_CN": "Hans", "zh_TW": "Hant"}
_ALIKE = (frozenset(_SCRIPTS), frozenset({"hr_HR", "sr_RS", LATIN_SERBIAN}))
"""What libraries do not tell apart: they say ``zh`` of both, and take Serbian in Latin script for
Croatian. What they say of one is taken as said of both, and the counts decide."""


class Experts:
    """Scripts, naive Bayes, py3langid and CLD2 over the labels of the counts."""

    def __init__(self, folder: Path) -> None:
        self._files = (folder / COUNTS, folder / ENSEMBLE)
        self._model = load(self._files[0])
        self._blend = load_ensemble(self._files[1])
        self._py3langid, self.cld2 = Py3langid(), Pycld2()
        self.labels = self._model.labels
        self.tags = [bcp47(label, (label,)) for label in self.labels]
        # Languages are as likely one as the other; one that is counted in two scripts is one.
        self._prior = np.array([1 / self.tags.count(tag) for tag in self.tags], dtype=np.float32)

    @property
    def version(self) -> str:
        """Of the libraries, of the counts and of the weights."""
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self._files]
        return f"{self._py3langid.version}, {self.cld2.version}, counts {' '.join(digests)}"

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """float32 [texts, labels]; rows are 0 where a text tells nothing."""
        shares = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        told = told_by_script(texts)
        for row, answer in enumerate(told):
            if answer is not None and answer[0] in self.labels:
                shares[row, self.labels.index(answer[0])] = answer[1]
        open_rows = np.flatnonzero(~shares.any(axis=1))
        shares[open_rows] = self._by_contents([texts[row] for row in open_rows.tolist()])
        self._by_chinese_script(shares, texts)
        return shares

    def _by_chinese_script(self, shares: Floats, texts: Sequence[str]) -> None:
        """Give the share of Chinese to the script that a text is written in, where that is told."""
        chinese = [place for place, label in enumerate(self.labels) if label in _SCRIPTS]
        for row in np.flatnonzero(shares[:, chinese].sum(axis=1) > _MAIN).tolist():
            script = chinese_script(texts[row])
            if script is not None:
                whole = shares[row, chinese].sum()
                shares[row, chinese] = [
                    whole * (_SCRIPTS[self.labels[place]] == script) for place in chinese
                ]

    def _by_contents(self, texts: list[str]) -> Floats:
        likelihoods, spoke = self._model.likelihoods(texts)
        shares = self._blend.alone(likelihoods, spoke)
        unsure = np.flatnonzero(in_doubt(shares, texts) & (spoke > 0))
        asked = [texts[row] for row in unsure.tolist()]
        shares[unsure] = self._blend.together(
            likelihoods[unsure],
            spoke[unsure],
            opinions(self._py3langid, self.labels, asked),
            opinions(self.cld2, self.labels, asked),
        )
        shares *= self._prior
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), _NOTHING)
        return shares


def in_doubt(shares: Floats, texts: Sequence[str]) -> NDArray[np.bool_]:
    """[texts]: whether naive Bayes's ``shares`` [texts, labels] leave doubt that others can settle.

    What doubt there is in long texts comes of kinship, which the counts tell better than they.
    """
    short = np.array([len(text) <= SHORT for text in texts], dtype=bool)
    doubt: NDArray[np.bool_] = (shares.max(axis=1, initial=0) < SURE) & short
    return doubt


def opinions(library: Library, labels: tuple[str, ...], texts: Sequence[str]) -> Floats:
    """What ``library`` says of ``texts`` with letters; float32 [texts, labels]."""
    shares = np.zeros((len(texts), len(labels)), dtype=np.float32)
    positions = _positions(tuple(library.labels), labels)
    for row, text in enumerate(texts):
        heard = [one for one in library.probabilities(text) if one[1] > _NEGLIGIBLE]
        for label, share in heard:
            for place in positions.get(label, ()):
                shares[row, place] += share
    return shares


@cache
def _positions(spoken: tuple[str, ...], labels: tuple[str, ...]) -> dict[str, list[int]]:
    """Which of ``labels`` each of a library's speaks for."""
    found: dict[str, list[int]] = {}
    for label in spoken:
        code = resolve(NOT_TOLD_APART.get(label, label), labels).xmod_language
        alike = next((some for some in _ALIKE if code in some), {code})
        found[label] = [place for place, other in enumerate(labels) if other in alike]
    return found
