"""The default detector: experts on 81 languages, and CLD2 behind them for all others.

Enters: texts, and the X-MOD languages that may be answered. Leaves: one ``Detection`` a text.
What holds: a text in a language beyond facebook/xmod-base's, which the experts would take for a
neighbour, is caught where CLD2 is sure of it, and goes to the adapter that a checkpoint may have
for it. An answer depends on its text alone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.language.calibration import Calibration
from pipeline.language.detection import Detection, Ranking, rankings
from pipeline.language.evidence import legible
from pipeline.language.experts import Experts
from pipeline.language.library import NOT_TOLD_APART
from pipeline.language.tags import UNDETERMINED, Resolved, resolve

FOLDER = Path(__file__).parent

_NOTHING = 1e-9
_STRANGER, _TOLD = 0.8, 40
"""The share of a text from which CLD2 is believed that its language is beyond the 81, and of how
many characters: it hears Xhosa in a few words of Dutch."""


class Cascade:
    """The experts' answers as X-MOD languages, and CLD2 behind them for all other languages."""

    def __init__(
        self, languages: tuple[str, ...], trust: Calibration | None = None, folder: Path = FOLDER
    ) -> None:
        """``languages`` are X-MOD codes; the counts are in ``folder``."""
        self._experts = Experts(folder)
        labels = self._experts.labels
        self._languages = languages
        self._tags = self._experts.tags
        serving = [resolve(tag, languages).xmod_language for tag in self._tags]
        self._served = np.array(
            [[code == language for language in languages] for code in serving], dtype=np.float32
        )
        self._out_of_set = _out_of_set(self._experts.cld2.labels, labels, languages)
        self._trust = trust or Calibration()

    @property
    def known(self) -> frozenset[str]:
        """The languages that this detector can answer at all."""
        served = np.array(self._languages)[self._served.any(axis=0)].tolist()
        added = (meaning.xmod_language for meaning in self._out_of_set.values())
        return frozenset(code for code in (*served, *added) if code is not None)

    @property
    def version(self) -> str:
        """The experts'."""
        return self._experts.version

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""
        seen = [legible(text) for text in texts]
        shares = self._experts.probabilities(seen)
        inside, outside = shares @ self._served, shares * ~self._served.any(axis=1)
        rivals = [self._tags[place] for place in outside.argmax(axis=1).tolist()]
        beside = outside.max(axis=1, initial=0)
        inside /= np.maximum(inside.sum(axis=1) + beside, _NOTHING)[:, None]
        lengths = np.array([len(text) for text in seen])
        ranked = rankings(self._trust.shares(inside, lengths), self._languages)
        beside = self._trust.probabilities(beside, lengths).tolist()
        answers = zip(seen, ranked, rivals, beside, strict=True)
        return [self._decide(*answer) if answer[0] else Detection() for answer in answers]

    def _decide(self, text: str, ranked: Ranking, rival: str, beside: float) -> Detection:
        other, share = self._detected_out_of_set(text) if len(text) >= _TOLD else (None, 0.0)
        if other is None:
            return Detection(ranked, rival if beside else None, beside)
        if other.xmod_language is not None:
            return Detection(((other.xmod_language, share),))
        rest = tuple((code, score * (1 - share)) for code, score in ranked)
        return Detection(rest, other.bcp47, share)

    def _detected_out_of_set(self, text: str) -> tuple[Resolved | None, float]:
        """The language beyond the 81 that CLD2 hears in ``text``, and in how much of it."""
        label, share = self._experts.cld2.surest(text)
        meaning = self._out_of_set.get(label)
        return (meaning, share) if meaning is not None and share >= _STRANGER else (None, 0.0)


def _out_of_set(
    labels: Sequence[str], known: tuple[str, ...], languages: tuple[str, ...]
) -> dict[str, Resolved]:
    """CLD2's labels of languages beyond the counts' labels, and which adapter serves them."""
    means = {label: resolve(label, languages) for label in labels if label not in NOT_TOLD_APART}
    return {
        label: meaning
        for label, meaning in means.items()
        if meaning.bcp47 != UNDETERMINED and resolve(label, known).xmod_language is None
    }
