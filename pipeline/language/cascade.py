"""The default detector: experts on facebook/xmod-base's 81 languages, CLD2 for all others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.language.calibration import Calibration
from pipeline.language.detection import Detection, Ranking, rankings
from pipeline.language.evidence import legible
from pipeline.language.experts import Experts
from pipeline.language.library import meaning_of
from pipeline.language.tags import UNDETERMINED, Resolved, resolve

FOLDER = Path(__file__).parent

_EPSILON = 1e-9
_OUT_OF_SET_SHARE, _OUT_OF_SET_LENGTH = 0.8, 40
"""CLD2 must find a language beyond the 81 in this share of a text of so many characters: in a few
words of Dutch it finds Xhosa."""


class Cascade:
    """The experts' answers as X-MOD languages; CLD2 overrides them for out-of-set languages.

    The experts would take a text in another language for the nearest of the 81. Where CLD2 is sure
    of such a language, the text goes to the adapter that a checkpoint has for it, if any.
    """

    def __init__(
        self,
        languages: tuple[str, ...],
        calibration: Calibration | None = None,
        folder: Path = FOLDER,
    ) -> None:
        """``languages`` are X-MOD codes; ``folder`` holds the trained files."""
        self._experts = Experts(folder)
        self._languages = languages
        adapters = [meaning_of(tag, languages).xmod_language for tag in self._experts.tags]
        self._served = np.array(
            [[code == language for language in languages] for code in adapters], dtype=np.float32
        )
        out_of_set = {
            label: resolve(label, languages)
            for label in self._experts.cld2.labels
            if meaning_of(label, self._experts.labels).xmod_language is None
        }
        self._out_of_set = {
            label: meaning for label, meaning in out_of_set.items() if meaning.bcp47 != UNDETERMINED
        }
        self._calibration = calibration or Calibration()
        added = [meaning.xmod_language for meaning in self._out_of_set.values()]
        self.known = frozenset(code for code in (*adapters, *added) if code is not None)
        self.version = self._experts.version

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One detection per text, in order."""
        cleaned = [legible(text) for text in texts]
        lengths = np.array([len(text) for text in cleaned])
        shares = self._experts.probabilities(cleaned)
        inside, outside = shares @ self._served, shares * ~self._served.any(axis=1)
        rivals = [self._experts.tags[place] for place in outside.argmax(axis=1).tolist()]
        rival_scores = outside.max(axis=1, initial=0)
        inside /= np.maximum(inside.sum(axis=1) + rival_scores, _EPSILON)[:, None]
        ranked = rankings(self._calibration.shares(inside, lengths), self._languages)
        scores = self._calibration.probabilities(rival_scores, lengths).tolist()
        found = zip(cleaned, ranked, rivals, scores, strict=True)
        return [self._decide(*one) if one[0] else Detection() for one in found]

    def _decide(self, text: str, ranked: Ranking, rival: str, score: float) -> Detection:
        other, share = self._detect_out_of_set(text)
        if other is None:
            return Detection(ranked, rival if score else None, score)
        if other.xmod_language is not None:
            return Detection(((other.xmod_language, share),))
        return Detection(tuple((code, p * (1 - share)) for code, p in ranked), other.bcp47, share)

    def _detect_out_of_set(self, text: str) -> tuple[Resolved | None, float]:
        """The language beyond the 81 that most of ``text`` is in, and its share of the text."""
        if len(text) < _OUT_OF_SET_LENGTH:
            return None, 0.0
        label, share = self._experts.cld2.surest(text)
        return (self._out_of_set.get(label), share) if share >= _OUT_OF_SET_SHARE else (None, 0.0)
