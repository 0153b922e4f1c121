"""Detections reweighted by a prior: of the record, of its unit, or of the corpus."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import regex

from pipeline.config import LanguageSettings
from pipeline.language.calibration import calibration_of
from pipeline.language.detection import Detection
from pipeline.language.detector import make_detector
from pipeline.language.evidence import blanked
from pipeline.language.mixture import Mixture, pieces
from pipeline.language.tags import resolve

UNEXPECTED = 0.05
"""Weight of a language that a prior does not expect, against 1 for one that it does: clear
evidence still wins."""
CONFIDENT = 0.9
"""Detections with at least this score count towards the prior of their unit."""

Weights = Mapping[str, float]
"""X-MOD language → weight in (0, 1]."""

_TAG_SEPARATORS = regex.compile(r"[,;|]+")


class DetectionWithPriors:
    """A detector, loaded once, and the priors that the settings name."""

    def __init__(self, settings: LanguageSettings, candidates: tuple[str, ...]) -> None:
        self._settings = settings
        self._candidates = candidates
        self._expected = uniform_prior(settings.expected)
        model = None if settings.detector_model is None else Path(settings.detector_model)
        self._detector = make_detector(settings.detector, candidates, model)

    @property
    def known(self) -> frozenset[str]:
        """The candidates that the detector can answer with."""
        return self._detector.known

    @property
    def version(self) -> str:
        """The detector's version and its calibration."""
        return f"{self._detector.version}; {calibration_of(self._settings.detector)}"

    def __call__(
        self, texts: Sequence[str], priors: Sequence[str | None], tags: Sequence[str]
    ) -> list[Mixture]:
        """The languages of a unit's untagged ``texts``.

        ``priors`` are tags of likely languages, one string per text; ``tags`` of the unit's other
        records count towards the unit's prior.
        """
        mixtures = self._detect(texts)
        in_unit = self._unit_prior(mixtures, tags)
        return [
            self._reweighted(mixture, prior, in_unit)
            for mixture, prior in zip(mixtures, priors, strict=True)
        ]

    def _detect(self, texts: Sequence[str]) -> list[Mixture]:
        """Detections of each text, or of its pieces, from one call to the detector."""
        per_piece = self._settings.per_window
        cut = [tuple(pieces(blanked(text))) if per_piece else (text,) for text in texts]
        found = iter(self._detector.detect([piece for some in cut for piece in some]))
        return [Mixture(some, tuple(islice(found, len(some)))) for some in cut]

    def _unit_prior(self, mixtures: Sequence[Mixture], tags: Sequence[str]) -> Weights:
        if not self._settings.unit_prior:
            return {}
        tagged = (resolve(tag, self._candidates).xmod_language for tag in tags)
        return prior_from_unit(
            (mixture.main(self._settings) for mixture in mixtures),
            (code for code in tagged if code is not None),
        )

    def _reweighted(self, mixture: Mixture, tags: str | None, in_unit: Weights) -> Mixture:
        """``mixture`` by the first prior that is not empty: the record's, unit's, corpus's."""
        prior = prior_from_tags(tags, self._candidates) or in_unit or self._expected
        return replace(mixture, answers=tuple(apply_prior(one, prior) for one in mixture.answers))


def uniform_prior(languages: Iterable[str]) -> Weights:
    """The prior that expects each of ``languages`` alike; empty where there are none."""
    return dict.fromkeys(languages, 1.0)


def prior_from_tags(tags: str | None, candidates: tuple[str, ...]) -> Weights:
    """The prior of ``tags``, such as ``de, fr`` or ``de fr``; tags of no candidate are skipped."""
    for parts in (_TAG_SEPARATORS.split(tags or ""), (tags or "").split()):
        codes = (resolve(tag, candidates).xmod_language for tag in parts)
        if prior := uniform_prior(code for code in codes if code is not None):
            return prior
    return {}


def prior_from_unit(detections: Iterable[Detection], tagged: Iterable[str]) -> Weights:
    """Each language by its count among confident ``detections`` and ``tagged`` X-MOD languages."""
    counts = Counter(one.language for one in detections if one.language and one.score >= CONFIDENT)
    counts.update(tagged)
    most = max(counts.values(), default=0)
    return {language: max(count / most, UNEXPECTED) for language, count in counts.items()}


def apply_prior(detection: Detection, prior: Weights) -> Detection:
    """``detection`` reweighted by Bayes' rule; unchanged where ``prior`` is empty.

    Probability that no ranked language has counts as unexpected, and so does the outside language.
    """
    if not prior or not detection.ranked:
        return detection
    shares = {code: share * prior.get(code, UNEXPECTED) for code, share in detection.ranked}
    rest = max(0.0, 1 - sum(share for _, share in detection.ranked)) * UNEXPECTED
    total = sum(shares.values()) + rest
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    outside = detection.outside_score * UNEXPECTED
    return replace(
        detection,
        ranked=tuple((code, share / total) for code, share in ranked),
        outside_score=outside / (outside + sum(shares.values())) if outside else 0.0,
    )
