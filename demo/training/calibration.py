"""What experts weigh and how far scores are to be trusted, fitted on texts of known languages.

Half of the texts are cut to a few words, because short texts are where languages are mistaken for
each other; a detector is judged in the languages that it knows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipeline.language.calibration import Calibration, logit
from pipeline.language.detection import Detector, Floats
from pipeline.language.ensemble import Ensemble
from pipeline.language.evidence import legible
from pipeline.language.experts import in_doubt, opinions
from pipeline.language.naive_bayes import NaiveBayes
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2
from pipeline.language.scripts import label_of

_LEAST = 1e-9
"""Of a probability whose logarithm is taken."""


@dataclass(frozen=True)
class DevTexts:
    """Texts and the X-MOD language of each."""

    texts: list[str]
    languages: list[str]


def dev_texts(table: pa.Table, generator: np.random.Generator) -> DevTexts:
    """The texts of `table`, and a piece of each."""
    texts = table["text"].to_pylist()
    pieces = [cropped(text, generator) for text in texts]
    return DevTexts([*texts, *pieces], table["language"].to_pylist() * 2)


def fitted_ensemble(model: NaiveBayes, dev: DevTexts) -> Ensemble:
    """The weights under which the languages of `dev` are likeliest.

    First those of naive Bayes alone, then those of all experts for the texts that leave it unsure.
    """
    seen = [legible(text) for text in dev.texts]
    labels = map(label_of, dev.languages, dev.texts)
    wanted = np.array([model.labels.index(label) for label in labels])
    likelihoods, spoke = model.likelihoods(seen)

    def alone(weights: NDArray[np.float64]) -> float:
        return _surprise(Ensemble(*weights).alone(likelihoods, spoke), wanted)

    blend = Ensemble(*_least(alone, [0.3, 0.3]))
    unsure = np.flatnonzero(in_doubt(blend.alone(likelihoods, spoke), seen) & (spoke > 0))
    if not len(unsure):
        return blend
    texts = [seen[row] for row in unsure.tolist()]
    experts = [opinions(library, model.labels, texts) for library in (Py3langid(), Pycld2())]

    def together(weights: NDArray[np.float64]) -> float:
        blended = Ensemble(blend.sharpness, blend.power, *weights)
        shares = blended.together(likelihoods[unsure], spoke[unsure], *experts)
        return _surprise(shares, wanted[unsure])

    weights = _least(together, [0.5, 0.5, 0.2])
    return Ensemble(blend.sharpness, blend.power, *weights)


def fitted_calibration(detector: Detector, dev: DevTexts) -> Calibration:
    """The trust under which being right and wrong on `dev` is likeliest."""
    answers = detector.detect(dev.texts)
    judged = [
        (answer, text, language)
        for answer, text, language in zip(answers, dev.texts, dev.languages, strict=True)
        if answer.language is not None and language in detector.known
    ]
    logits = logit(np.array([answer.score for answer, _, _ in judged]))
    lengths = np.log([max(1, len(legible(text))) for _, text, _ in judged])
    right = np.array([answer.language == language for answer, _, language in judged])

    def surprise(weights: NDArray[np.float64]) -> float:
        base, slope, length = weights
        seen = base + slope * logits + length * lengths
        return float(np.logaddexp(0, np.where(right, -seen, seen)).mean())

    base, slope, length = _least(surprise, [0.0, 1.0, 0.0])
    return Calibration(base, max(slope, 0.0), length)


def cropped(text: str, generator: np.random.Generator) -> str:
    """Some neighbouring words of `text`, or characters of the fewest words.

    At most 10 to 40 characters, a bound that is drawn first.
    """
    most = int(generator.integers(10, 41))
    words = text.split()
    if len(words) < 4:
        start = int(generator.integers(max(1, len(text) - most + 1)))
        return text[start : start + most]
    kept = ""
    for word in words[int(generator.integers(len(words))) :]:
        if kept and len(kept) + 1 + len(word) > most:
            break
        kept = f"{kept} {word}".strip()
    return kept[:most]


def _surprise(shares: Floats, wanted: NDArray[np.int64]) -> float:
    """The mean negative logarithm of what each text's language got."""
    own = shares[np.arange(len(wanted)), wanted]
    return float(-np.log(np.maximum(own, _LEAST)).mean())


def _least(loss: Callable[[NDArray[np.float64]], float], start: list[float]) -> list[float]:
    found: list[float] = minimize(loss, start, method="Nelder-Mead").x.tolist()
    return [round(value, 4) for value in found]
