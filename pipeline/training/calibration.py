"""A temperature that makes scores probabilities: of scores of .9, nine in ten are right.

Logits are divided by one number, learnt on dev rows once the weights are (Guo et al., "On
Calibration of Modern Neural Networks", ICML 2017). No label changes.
"""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from pipeline.training.calibration_error import calibration_error
from pipeline.training.corpus import of_language
from pipeline.training.heads.head import Head
from pipeline.training.inference import Reader, logits
from pipeline.training.labels import IGNORED
from pipeline.xmod.model_config import TEMPERATURES


@dataclass(frozen=True)
class Calibration:
    """A temperature, the number of labels that it was learnt on, and their calibration errors."""

    temperature: float
    labels: int
    error_before: float
    error_after: float


def calibrated(head: Head, reader: Reader, dev: pa.Table) -> Calibration | None:
    """The calibration of a head with labels; None without dev rows whose labels it knows."""
    known = dev.filter(pa.array(_is_known(head, reader, dev), pa.bool_()))
    if not known.num_rows:
        return None
    given, wanted = labelled_logits(head, reader, known)
    temperature = best_temperature(given, wanted)
    before, after = (_error(softmax(given / one, axis=-1), wanted) for one in (1.0, temperature))
    return Calibration(temperature, len(wanted), before, after)


def _is_known(head: Head, reader: Reader, rows: pa.Table) -> list[bool]:
    labels = set(reader.codec.labels)
    return [head.counts(rows.slice(row, 1)).keys() <= labels for row in range(rows.num_rows)]


def labelled_logits(head: Head, reader: Reader, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Logits [n, labels] of all that has a label in `rows`, texts or words; label ids [n]."""
    given, wanted = [], []
    for language in rows["language"].unique().to_pylist():
        examples = head.encode(of_language(rows, language), reader.codec)
        sequences = [example["input_ids"] for example in examples]
        with reader.reading():
            found = logits(reader, sequences, language)
        for example, row in zip(examples, found, strict=True):
            labels = np.atleast_1d(example["labels"])
            has_label = labels != IGNORED
            given.append(np.atleast_2d(row)[: len(labels)][has_label])
            wanted.append(labels[has_label])
    return np.concatenate(given), np.concatenate(wanted)


def best_temperature(given: np.ndarray, wanted: np.ndarray) -> float:
    """The one with the least negative log-likelihood of the labels `wanted` [n].

    `given` are logits [n, labels]. One label more is taken to be right and one to be wrong (Platt,
    1999): otherwise a head that errs in no dev row would be sure of everything.
    """
    seen, labels = given.shape
    right = (seen + 1) / (seen + 2)
    targets = np.full(given.shape, (1 - right) / (labels - 1))
    targets[np.arange(seen), wanted] = right

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(given / math.exp(log_temperature), axis=-1)
        return -float(np.mean(np.sum(targets * scaled, axis=-1)))

    bounds = [math.log(bound) for bound in TEMPERATURES]
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)


def _error(probabilities: np.ndarray, wanted: np.ndarray) -> float:
    right = probabilities.argmax(axis=-1) == wanted
    return calibration_error(probabilities.max(axis=-1), right)
