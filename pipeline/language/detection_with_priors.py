"""The languages of texts, by the detector and by priors: of the record, its unit, the corpus.

Enters: the texts of a unit that no tag speaks for, their priors, and the tags of its other records.
Leaves: a ``Mixture`` a text. What holds: the detector is asked once for all; an answer depends on
the text and its prior, and with ``language.unit_prior`` on the records that are read together.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pipeline.config import LanguageSettings
from pipeline.language.calibration import calibration_of
from pipeline.language.detector import make_detector
from pipeline.language.evidence import blanked
from pipeline.language.mixture import Mixture, pieces
from pipeline.language.prior import Weights, expecting, from_tags, unit_prior, weighed
from pipeline.language.tags import resolve


class DetectionWithPriors:
    """A detector, loaded once, and the priors that the settings name."""

    def __init__(self, settings: LanguageSettings, candidates: tuple[str, ...]) -> None:
        self._settings = settings
        self._candidates = candidates
        self._expected = expecting(settings.expected)
        model = None if settings.detector_model is None else Path(settings.detector_model)
        self._detector = make_detector(settings.detector, candidates, model)

    @property
    def version(self) -> str:
        """The detector's, and how far it is trusted."""
        return f"{self._detector.version}; {calibration_of(self._settings.detector)}"

    def __call__(
        self, texts: Sequence[str], priors: Sequence[str | None], tags: Sequence[str]
    ) -> list[Mixture]:
        """The language of each of ``texts``; ``tags`` of other records count for the unit prior."""
        heard = self._pieces(texts)
        usual = self._unit_prior(heard, tags)
        return [
            self._weighed(mixture, prior, usual)
            for mixture, prior in zip(heard, priors, strict=True)
        ]

    def _pieces(self, texts: Sequence[str]) -> list[Mixture]:
        """What the detector says of each text, or of its pieces."""
        piecewise = self._settings.per_window
        cut = [tuple(pieces(blanked(text))) if piecewise else (text,) for text in texts]
        found = iter(self._detector.detect([piece for some in cut for piece in some]))
        return [Mixture(some, tuple(islice(found, len(some)))) for some in cut]

    def _unit_prior(self, heard: Sequence[Mixture], tags: Sequence[str]) -> Weights:
        """What most records of the block are in, one vote each."""
        if not self._settings.unit_prior:
            return {}
        told = (resolve(tag, self._candidates).xmod_language for tag in tags)
        return unit_prior(
            (mixture.main(self._settings) for mixture in heard),
            (code for code in told if code is not None),
        )

    def _weighed(self, mixture: Mixture, tags: str | None, usual: Weights) -> Mixture:
        """``mixture`` by the first prior that says anything: the record's, unit's, corpus's."""
        known = (from_tags(tags, self._candidates), usual, self._expected)
        prior = next((one for one in known if one), {})
        return replace(mixture, answers=tuple(weighed(one, prior) for one in mixture.answers))
