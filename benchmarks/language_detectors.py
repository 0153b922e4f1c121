"""Language detectors over X-MOD's 81 languages: accuracy, calibration, speed, memory, strays.

All detectors see the same texts in one run, on one thread, and take turns against the clock. Each
language weighs the same, however many texts it has; no answer is a wrong one. Calibration is judged
over the languages that a detector knows. fasttext needs a model, ``--fasttext-model lid.176.ftz``.
"""

import json
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Annotated

import numpy as np
import typer
from langcodes import Language
from matplotlib.figure import Figure as Picture
from threadpoolctl import threadpool_limits

from benchmarks import harness
from benchmarks.corpora import Corpus, language_corpora
from benchmarks.detector_start import BASELINE
from benchmarks.fresh import fresh
from pipeline.errors import ConfigError
from pipeline.language.detection import Detection, Detector
from pipeline.language.detector import DETECTORS, make_detector
from pipeline.language.tags import bcp47, resolve
from pipeline.language.xmod_base import XMOD_BASE
from pipeline.training.calibration_error import BINS, bins, calibration_error

SIXTEEN = (
    *("en_XX", "de_DE", "es_XX", "pt_XX", "sv_SE", "fi_FI", "hr_HR", "tr_TR"),
    *("id_ID", "ru_RU", "ar_AR", "hi_IN", "bn_IN", "zh_CN", "ja_XX", "ko_KR"),
)
"""Adapters in the measurement of strays."""
MIN_SCORE = 0.5
"""The default of ``language.min_score``: what scores less is not routed."""
DEFAULT = "cascade"
"""The detector whose confusions are told."""

_UNIT, _FIRST, _PASSES = 4096, 1000, 3
_FEWEST = 10
"""Texts that a bin needs for its accuracy to be drawn."""
_SLOW = {"langdetect": 20, "lingua": 20}
"""Timed on each twentieth text only."""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
_TITLES = {
    "sentences": "Sentences: SIB-200 test",
    "short": "Short texts: NTREX, 25 characters or fewer",
    "noisy": "Noisy: sentences with an address, an emoji and a hashtag in each",
    "latin": "Serbian in Latin script, and Croatian: NTREX from line 1,101",
}
_ABOUT = f"""*By code*: the mean over languages of the share of texts that get their X-MOD code,
zh_CN and zh_TW apart. *Covered*: the mean over the languages that the detector knows, where zh_CN
will do for zh_TW; *unknown* counts the other languages. *ECE*: expected calibration error over
languages that it knows, {BINS} bins: how far scores are from the share that is right. *Strays*:
with adapters for {len(SIXTEEN)} languages, the share of texts in them that are routed to their own
adapter, and of texts in other languages that are routed all the same, from a score of
{MIN_SCORE:g} on. 49 of all short texts are a quotation left in French and labelled as the language
around it, so that nobody can be right in them."""


Judged = tuple[np.ndarray, np.ndarray]
"""Whether each answer is right, and its score [texts]."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Of one detector on one corpus; shares are 0 to 1.

    ``accuracy`` is by language and by code; ``confusions`` count what was said instead.
    """

    accuracy: dict[str, float]
    covered: float
    calibration_error: float
    own: float
    let_in: float
    confusions: dict[str, dict[str, int]]

    @property
    def by_code(self) -> float:
        """The mean over languages."""
        return fmean(self.accuracy.values())


def main(
    data: harness.Data = harness.DATA,
    out: harness.Out = harness.RESULTS,
    every: Annotated[int, typer.Option(min=1, help="Use each n-th text only.")] = 1,
    detector: Annotated[list[str] | None, typer.Option(help="Default: all.")] = None,
    fasttext_model: Annotated[Path | None, typer.Option(help="Such as lid.176.ftz.")] = None,
) -> None:
    """Measure detectors, print and write."""
    os.environ.update(_ONE_THREAD)  # what reads it when it is first used, and fresh processes
    threadpool_limits(1)
    around = harness.surroundings(("py3langid", "pycld2", "fasttext-predict", "langdetect"))
    detectors = _made(detector or sorted(DETECTORS), fasttext_model)
    corpora = {name: one.thinned(every) for name, one in language_corpora(data).items()}
    starts = _starts(detectors, corpora["sentences"].texts[:_FIRST], fasttext_model)
    found: dict[str, dict[str, Found]] = {}
    speeds: dict[str, harness.Rounds] = {}
    judged: dict[str, dict[str, Judged]] = defaultdict(dict)
    for corpus, texts in corpora.items():
        found[corpus] = {}
        for name, one in detectors.items():
            harness.note(f"{name} answers {len(texts.texts):,} texts: {corpus}")
            said = answers(one, texts.texts)
            judged[name][corpus] = calibration(texts, said, one.known)
            few = answers(make_detector(name, SIXTEEN, fasttext_model), texts.texts)
            found[corpus][name] = figures(texts, said, few, one.known)
        harness.note(f"All against the clock: {corpus}")
        speeds[corpus] = _speeds(detectors, texts.texts)
    _record(around, detectors, corpora, found, speeds, starts).keep(out, "language_detectors")
    _reliability(judged, out / "reliability.png")


def answers(detector: Detector, texts: Sequence[str]) -> list[Detection]:
    """One a text; texts come in batches as a job's units do."""
    units = (texts[first : first + _UNIT] for first in range(0, len(texts), _UNIT))
    return [answer for unit in units for answer in detector.detect(unit)]


def figures(
    corpus: Corpus, said: Sequence[Detection], few: Sequence[Detection], known: frozenset[str]
) -> Found:
    """Of a detector for the languages ``known``; ``few`` are its answers with ``SIXTEEN``."""
    confusions: dict[str, Counter[str]] = defaultdict(Counter)
    hits, spoken = [], []
    for code, answer in zip(corpus.codes, said, strict=True):
        language = answer.language or "none"
        hits.append((code, language == code))
        spoken.append((code, language.partition("_")[0] == code.partition("_")[0]))
        if language != code:
            confusions[code][language] += 1
    own, let_in = strays(corpus.codes, few)
    right, scores = calibration(corpus, said, known)
    return Found(
        accuracy=shares(hits),
        covered=fmean(share for code, share in shares(spoken).items() if code in known),
        calibration_error=calibration_error(scores, right),
        own=own,
        let_in=let_in,
        confusions={code: dict(counts.most_common()) for code, counts in confusions.items()},
    )


def shares(hits: Iterable[tuple[str, bool]]) -> dict[str, float]:
    """Of each language the share of its texts that are hits."""
    by_code: dict[str, list[bool]] = defaultdict(list)
    for code, hit in hits:
        by_code[code].append(hit)
    return {code: fmean(own) for code, own in by_code.items()}


def strays(codes: Sequence[str], few: Sequence[Detection]) -> tuple[float, float]:
    """Shares routed to their own adapter of ``SIXTEEN``, and routed where there is none."""
    own, let_in = [], []
    for code, answer in zip(codes, few, strict=True):
        wanted = resolve(code, SIXTEEN).xmod_language
        routed = answer.score >= MIN_SCORE
        if wanted is None:
            let_in.append(routed)
        else:
            own.append((wanted, routed and answer.language == wanted))
    return fmean(shares(own).values() or [0.0]), fmean(let_in or [0.0])


def calibration(corpus: Corpus, said: Sequence[Detection], known: frozenset[str]) -> Judged:
    """Of texts in languages ``known`` whether the answer is right, and its score [texts]."""
    pairs = zip(corpus.codes, said, strict=True)
    judged = [(one.language == code, one.score) for code, one in pairs if code in known]
    right, scores = np.array(judged, dtype=float).reshape(-1, 2).T
    return right, scores


def _made(names: Sequence[str], model: Path | None) -> dict[str, Detector]:
    detectors = {}
    for name in names:
        try:
            detectors[name] = make_detector(name, XMOD_BASE, model)
        except ConfigError as error:
            harness.note(f"Skipped {name}: {error}")
    if not detectors:
        raise typer.Exit(2)
    return detectors


def _speeds(detectors: Mapping[str, Detector], texts: Sequence[str]) -> harness.Rounds:
    some = {name: texts[:: _SLOW.get(name, 1)] for name in detectors}
    sides = {name: partial(answers, one, some[name]) for name, one in detectors.items()}
    return harness.take_turns(sides, _PASSES, work={name: len(own) for name, own in some.items()})


def _starts(
    detectors: Iterable[str], texts: Sequence[str], model: Path | None
) -> dict[str, dict[str, float]]:
    """Of each detector and of the baseline, in a fresh process each."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        return {
            name: fresh(
                "benchmarks.detector_start:measure", name, time.time(), file.name, model or ""
            )
            for name in (BASELINE, *detectors)
        }


def _record(
    around: harness.Surroundings,
    detectors: Mapping[str, Detector],
    corpora: Mapping[str, Corpus],
    found: Mapping[str, Mapping[str, Found]],
    speeds: Mapping[str, harness.Rounds],
    starts: Mapping[str, Mapping[str, float]],
) -> harness.Record:
    ranked = sorted(detectors, key=lambda name: -found["sentences"][name].by_code)
    unknown = {
        name: [code for code in XMOD_BASE if code not in detectors[name].known] for name in ranked
    }
    columns = ("detector", "unknown", "texts/s", "by code", "covered", "ECE", "strays: right")
    sheets = []
    for corpus, own in found.items():
        rows = []
        for name in ranked:
            one, speed = own[name], speeds[corpus].rate(name).median
            cells = (one.by_code, one.covered, one.calibration_error, one.own, one.let_in)
            first = (name, f"{len(unknown[name])}", f"{speed:,.0f}")
            rows.append((*first, *(f"{cell:.4f}" for cell in cells)))
        title = f"{_TITLES[corpus]}, {len(corpora[corpus].texts):,} texts"
        sheets.append(harness.Sheet(title, (*columns, "let in"), rows))
    rows = [
        (name, f"{own['ready']:.1f}", f"{own['answered']:.1f}", f"{own['megabytes']:,.0f}")
        for name, own in starts.items()
    ]
    heads = ("process", "ready, s", f"{_FIRST:,} texts answered, s", "peak MB")
    sheets.append(harness.Sheet("Start, in a fresh process each", heads, rows))
    return harness.Record(
        title=f"Language detectors over X-MOD's {len(XMOD_BASE)} languages",
        about=_ABOUT,
        surroundings=around,
        sheets=[*sheets, _by_language(ranked, found)],
        samples={
            "unknown": unknown,
            "versions": {name: one.version for name, one in detectors.items()},
            "seconds": {corpus: rounds.seconds for corpus, rounds in speeds.items()},
            "found": {
                corpus: {name: asdict(one) for name, one in own.items()}
                for corpus, own in found.items()
            },
        },
    )


def _by_language(ranked: Sequence[str], found: Mapping[str, Mapping[str, Found]]) -> harness.Sheet:
    kinds = [(name, corpus) for name in ranked for corpus in ("sentences", "short")]
    rows = []
    for code in XMOD_BASE:
        shown = [found[corpus][name].accuracy.get(code) for name, corpus in kinds]
        said: Counter[str] = Counter()
        for own in (found["sentences"].get(DEFAULT), found["short"].get(DEFAULT)):
            said.update(own.confusions.get(code, {}) if own else {})
        taken = "".join(f"{other} {count}×" for other, count in said.most_common(1))
        cells = ("–" if share is None else f"{share:.3f}" for share in shown)
        rows.append(
            (f"{code} {Language.get(bcp47(code, XMOD_BASE)).display_name()}", *cells, taken)
        )
    heads = ("language", *(" ".join(kind) for kind in kinds), "taken for")
    return harness.Sheet(f"By language, with what `{DEFAULT}` most often says instead", heads, rows)


def _reliability(judged: Mapping[str, Mapping[str, Judged]], path: Path) -> None:
    """A panel a detector: scores against accuracy, of bins with ten texts or more."""
    picture = Picture(figsize=(12, 4 * -(-len(judged) // 3)), layout="constrained")
    panels = picture.subplots(-(-len(judged) // 3), 3, squeeze=False).flat
    for panel, (name, corpora) in zip(panels, judged.items(), strict=False):
        panel.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
        for corpus, marker in (("sentences", "o"), ("short", "^")):
            right, scores = corpora[corpus]
            texts = np.bincount(bins(scores), minlength=BINS)
            sums = (np.bincount(bins(scores), one, BINS) for one in (scores, right))
            held = texts >= _FEWEST
            panel.plot(*(one[held] / texts[held] for one in sums), marker=marker, label=corpus)
        panel.set(title=name, xlabel="score", ylabel="accuracy", xlim=(0, 1.01), ylim=(0, 1.03))
        panel.legend(loc="lower right", frameon=False)
    picture.suptitle("Is an answer with a score of 0.8 right in 8 of 10 texts?")
    picture.savefig(path)


if __name__ == "__main__":
    typer.run(main)
