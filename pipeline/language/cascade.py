"""N-grams first, CLD2 for the languages that they were never told of.

Enters: texts, and the X-MOD languages that may be answered. Leaves: one ``Detection`` a text.
What holds: the model knows the languages of facebook/xmod-base and is asked for a whole batch at
once; a text in a language beyond them, which the model would take for a neighbour, is caught where
CLD2 is sure of it, and goes to the adapter that a checkpoint may have for it; an answer depends on
its text alone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.language.detection import Detection
from pipeline.language.evidence import chinese_script, legible
from pipeline.language.library import NOT_TOLD_APART
from pipeline.language.ngram_model import Floats, load
from pipeline.language.pycld2_library import Pycld2
from pipeline.language.tags import UNDETERMINED, Resolved, bcp47, resolve

WEIGHTS = Path(__file__).with_name("ngrams.safetensors")

_STRANGER = 0.8
"""The share of a text from which CLD2 is believed that its language is beyond the model's."""
_CHINESE = frozenset({"zh_CN", "zh_TW"})


class Cascade:
    """A linear model of character n-grams, and CLD2 behind it."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        """``languages`` are X-MOD codes; the weights are loaded once."""
        self._model = load(WEIGHTS)
        self._cld2 = Pycld2()
        self._languages = languages
        self._tags = [bcp47(label, self._model.labels) for label in self._model.labels]
        self._serving = [resolve(tag, languages).xmod_language for tag in self._tags]
        self._strangers = _strangers(self._cld2.labels, self._model.labels, languages)

    @property
    def known(self) -> frozenset[str]:
        """The languages that this detector can answer at all."""
        served = (*self._serving, *(meaning.xmod_language for meaning in self._strangers.values()))
        return frozenset(code for code in served if code is not None)

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""
        seen = [legible(text) for text in texts]
        shares = self._by_script(self._model.probabilities(seen), seen)
        inside = self._of_each_language(shares)
        outside = shares * np.array([code is None for code in self._serving])
        return [
            self._decide(text, *row) if text else Detection(None, 0.0)
            for text, *row in zip(seen, inside, outside, strict=True)
        ]

    def _by_script(self, shares: Floats, texts: Sequence[str]) -> Floats:
        """``shares`` with that of Chinese given to the script that a text is written in."""
        chinese = [place for place, label in enumerate(self._model.labels) if label in _CHINESE]
        scripts = [self._tags[place] for place in chinese]
        for row in np.flatnonzero(shares[:, chinese].sum(axis=1) > 0.5).tolist():
            script = chinese_script(texts[row])
            if script is not None:
                whole = shares[row, chinese].sum()
                shares[row, chinese] = [whole * (tag == f"zh-{script}") for tag in scripts]
        return shares

    def _of_each_language(self, shares: Floats) -> Floats:
        """float32 [texts, languages]; several labels may be served by one adapter."""
        inside = np.zeros((len(shares), len(self._languages)), dtype=np.float32)
        for place, code in enumerate(self._serving):
            if code is not None:
                inside[:, self._languages.index(code)] += shares[:, place]
        return inside

    def _decide(self, text: str, inside: Floats, outside: Floats) -> Detection:
        best, rival = int(inside.argmax()), int(outside.argmax())
        beside = float(outside[rival])
        score = float(inside[best]) / max(float(inside.sum()) + beside, 1e-9)
        language = self._languages[best] if score > 0 else None
        stranger, share = self._stranger(text)
        if stranger is not None and stranger.xmod_language is not None:
            return Detection(stranger.xmod_language, share)
        if stranger is not None:
            return Detection(language, score * (1 - share), stranger.bcp47, share)
        return Detection(language, score, self._tags[rival] if beside else None, beside)

    def _stranger(self, text: str) -> tuple[Resolved | None, float]:
        """The language beyond the model's that CLD2 hears in ``text``, and in how much of it."""
        label, share = next(iter(self._cld2.probabilities(text)))
        meaning = self._strangers.get(label)
        return (meaning, share) if meaning is not None and share >= _STRANGER else (None, 0.0)


def _strangers(
    labels: Sequence[str], known: tuple[str, ...], languages: tuple[str, ...]
) -> dict[str, Resolved]:
    """CLD2's labels of languages that the model was not told of, and which adapter serves them."""
    means = {label: resolve(label, languages) for label in labels if label not in NOT_TOLD_APART}
    return {
        label: meaning
        for label, meaning in means.items()
        if meaning.bcp47 != UNDETERMINED and resolve(label, known).xmod_language is None
    }
