"""Counting what texts of each language are made of: the files that `pipeline/language` reads.

Counts come from the train split, weights of experts and trust in scores from the dev split; the
same data give the same files.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from demo.training.calibration import dev_texts, fitted_calibration, fitted_ensemble
from demo.training.settings import IdentifierConfig
from pipeline.errors import ConfigError, InputError
from pipeline.language.calibration import CALIBRATION_FILE, Calibration
from pipeline.language.cascade import Cascade
from pipeline.language.detection import Detector, Floats
from pipeline.language.detector import DETECTORS, Choice
from pipeline.language.ensemble import save_ensemble
from pipeline.language.experts import COUNTS, ENSEMBLE
from pipeline.language.naive_bayes import NaiveBayes, save_model
from pipeline.language.ngrams import WORD, Codes, evidence
from pipeline.language.scripts import label_of
from pipeline.training.corpus import of_split
from pipeline.training.table_files import read_corpus

logger = logging.getLogger(__name__)

_LARGEST = 255
"""A weight is one byte."""

Counts = NDArray[np.int64]


def train_identifier(config: IdentifierConfig) -> NaiveBayes:
    """Count and calibrate as `config` says, write the files to `config.out`, return the counts."""
    _require_detectors(config.detectors)
    table = read_corpus(config.data, ("text", "language", "split"))
    languages = tuple(sorted(table["language"].unique().to_pylist()))
    train, dev_split = _split(table, "train", config), _split(table, "dev", config)
    model = counted(config, train)
    config.out.mkdir(parents=True, exist_ok=True)
    save_model(model, config.out / COUNTS)
    logger.info("%s: %d spans of %d languages", COUNTS, len(model.spans), len(model.labels))
    dev = dev_texts(dev_split, np.random.default_rng(config.seed))
    save_ensemble(fitted_ensemble(model, dev), config.out / ENSEMBLE)
    trust = {
        name: fitted_calibration(_untold(name, languages, config), dev) for name in config.detectors
    }
    _write_trust(trust, config.out / CALIBRATION_FILE.name)
    return model


def counted(config: IdentifierConfig, table: pa.Table) -> NaiveBayes:
    """The counts of `table`'s texts as logarithms, in bytes."""
    by_label = _texts_by_label(table)
    labels = tuple(by_label)
    _require_bytes(len(labels))
    found = [evidence(_sample(texts, config.characters)) for texts in by_label.values()]
    letters = _Tally.of([one.letters for one in found])
    everything = _Tally.of([one.spans for one in found])
    words = np.unique(np.concatenate([one.spans[one.span_kinds == WORD] for one in found]))
    spans = everything.kept(config.least_count, words)
    letter_weights = np.zeros((len(letters.keys), len(labels)))
    letter_weights[letters.places, letters.languages] = _worth(letters.counts, config.smoothing)
    span_weights = _worth(spans.counts, config.smoothing)
    scale = max(letter_weights.max(), span_weights.max()) / _LARGEST
    sizes = np.array([len(one.letters) + len(one.spans) for one in found])
    return NaiveBayes(
        labels=labels,
        letters=letters.keys,
        letter_weights=np.round(letter_weights / scale).astype(np.uint8),
        spans=spans.keys,
        met_in=np.bincount(spans.places).astype(np.uint8),
        languages=spans.languages.astype(np.uint8),
        weights=np.round(span_weights / scale).astype(np.uint8),
        floor=_floor(sizes, len(everything.keys), config.smoothing),
        scale=float(scale),
    )


@dataclass(frozen=True)
class _Tally:
    """How often each of `keys` was met in each language.

    The i-th entry is of `keys[places[i]]` in `languages[i]`; entries are sorted by both.
    """

    keys: Codes
    places: Counts
    languages: Counts
    counts: Counts

    @classmethod
    def of(cls, by_language: Sequence[Codes]) -> Self:
        met = [np.unique(codes, return_counts=True) for codes in by_language]
        keys, places = np.unique(np.concatenate([codes for codes, _ in met]), return_inverse=True)
        languages = np.repeat(np.arange(len(met)), [len(codes) for codes, _ in met])
        order = np.lexsort((languages, places))
        counts = np.concatenate([count for _, count in met])
        return cls(keys, places[order], languages[order], counts[order])

    def kept(self, least: int, always: Codes) -> Self:
        """Those of `always`, and those met `least` times or more in all languages together."""
        frequent = np.bincount(self.places, weights=self.counts) >= least
        frequent |= np.isin(self.keys, always)
        new_places = np.cumsum(frequent) - 1
        kept = frequent[self.places]
        return replace(
            self,
            keys=self.keys[frequent],
            places=new_places[self.places[kept]],
            languages=self.languages[kept],
            counts=self.counts[kept],
        )


def _texts_by_label(table: pa.Table) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for text, code in zip(table["text"].to_pylist(), table["language"].to_pylist(), strict=True):
        found[label_of(code, text)].append(text)
    return dict(sorted(found.items()))


def _require_bytes(labels: int) -> None:
    if labels > _LARGEST:
        raise InputError(
            f"The training data has {labels} languages; expected at most {_LARGEST}, as a language "
            "is one byte in the file of counts. Leave some out."
        )


def _sample(texts: list[str], characters: int) -> list[str]:
    """The first of `texts` that together have about so many characters."""
    before = np.cumsum([0, *(len(text) for text in texts)])[:-1]
    return [text for text, start in zip(texts, before, strict=True) if start < characters]


def _worth(counts: Counts, smoothing: float) -> NDArray[np.float64]:
    """How much likelier than a span that was never met."""
    worth: NDArray[np.float64] = np.log((counts + smoothing) / smoothing)
    return worth


def _floor(sizes: Counts, keys: int, smoothing: float) -> Floats:
    floor: Floats = np.log(smoothing / (sizes + smoothing * keys)).astype(np.float32)
    return floor


def _split(table: pa.Table, split: str, config: IdentifierConfig) -> pa.Table:
    found = of_split(table, split)
    if not len(found):
        raise InputError(f"{config.data} has no rows whose split is {split!r}.")
    return found


def _require_detectors(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in DETECTORS]
    if unknown:
        raise ConfigError(
            f"Unknown detectors {', '.join(map(repr, unknown))} in detectors. "
            f"Available: {', '.join(sorted(DETECTORS))}."
        )


def _untold(name: str, languages: tuple[str, ...], config: IdentifierConfig) -> Detector:
    """The detector `name` with scores as it says them."""
    if name == "cascade":
        return Cascade(languages, folder=config.out)
    return DETECTORS[name](Choice(languages, model=config.fasttext_model))


def _write_trust(trust: dict[str, Calibration], path: Path) -> None:
    """Those of `trust`, and what `path` has of detectors that were not fitted anew."""
    entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entries |= {name: asdict(one) for name, one in trust.items()}
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
