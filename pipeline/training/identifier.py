"""Counting what texts of each language are made of.

Enters: an `IdentifierConfig`. Leaves: the files that `pipeline.language.experts` and `trust` read.
Holds: counts come from the train split, and weights of experts and trust in scores from the dev
split; the same data give the same files.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.language.blend import save_blend
from pipeline.language.cascade import Cascade
from pipeline.language.detection import Detector, Floats
from pipeline.language.detector import DETECTORS, Choice
from pipeline.language.experts import BLEND, COUNTS
from pipeline.language.naive_bayes import NaiveBayes, save_model
from pipeline.language.ngrams import WORD, Codes, evidence
from pipeline.language.trust import TRUST_FILE, Trust
from pipeline.training.calibration import dev_texts, fitted_blend, fitted_trust
from pipeline.training.config import IdentifierConfig
from pipeline.training.corpus import IDENTIFIER_COLUMNS, of_language, of_split, read_corpus

logger = logging.getLogger(__name__)

_LARGEST = 255
"""A weight is one byte."""

Counts = NDArray[np.int64]


def train_identifier(config: IdentifierConfig) -> NaiveBayes:
    """Count and calibrate as `config` says, write the files to `config.out`, return the counts."""
    table = read_corpus(config.data, IDENTIFIER_COLUMNS)
    model = counted(config, of_split(table, "train"))
    config.out.mkdir(parents=True, exist_ok=True)
    save_model(model, config.out / COUNTS)
    logger.info("%s: %d spans of %d languages", COUNTS, len(model.spans), len(model.labels))
    dev = dev_texts(of_split(table, "dev"), np.random.default_rng(config.seed))
    save_blend(fitted_blend(model, dev), config.out / BLEND)
    trust = {name: fitted_trust(_untold(name, model, config), dev) for name in config.detectors}
    _write_trust(trust, config.out / TRUST_FILE.name)
    return model


def counted(config: IdentifierConfig, table: pa.Table) -> NaiveBayes:
    """The counts of `table`'s texts as logarithms, in bytes."""
    labels = tuple(sorted(table["language"].unique().to_pylist()))
    found = [evidence(_sample(of_language(table, label), config.characters)) for label in labels]
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


def _sample(table: pa.Table, characters: int) -> list[str]:
    """The first texts of `table` that together have about so many characters."""
    texts: list[str] = table["text"].to_pylist()
    before = np.cumsum([0, *(len(text) for text in texts)])[:-1]
    return [text for text, start in zip(texts, before, strict=True) if start < characters]


def _worth(counts: Counts, smoothing: float) -> NDArray[np.float64]:
    """How much likelier than a span that was never met."""
    worth: NDArray[np.float64] = np.log((counts + smoothing) / smoothing)
    return worth


def _floor(sizes: Counts, keys: int, smoothing: float) -> Floats:
    floor: Floats = np.log(smoothing / (sizes + smoothing * keys)).astype(np.float32)
    return floor


def _untold(name: str, model: NaiveBayes, config: IdentifierConfig) -> Detector:
    """The detector `name` with scores as it says them."""
    if name == "cascade":
        return Cascade(model.labels, folder=config.out)
    return DETECTORS[name](Choice(model.labels, model=config.fasttext_model))


def _write_trust(trust: dict[str, Trust], path: Path) -> None:
    """Those of `trust`, and what `path` has of detectors that were not fitted anew."""
    entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entries |= {name: asdict(one) for name, one in trust.items()}
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
