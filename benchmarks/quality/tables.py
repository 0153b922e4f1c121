"""What was measured as one record and one picture.

Enters: held-out texts, and each side's answers and scores. Leaves: a ``Record``; a PNG. What holds:
all sides are compared with float32; goals are for int8.
"""

from pathlib import Path

import numpy as np

from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import Surroundings
from benchmarks.quality.by_language import by_language, sheets
from benchmarks.quality.measured import BASE, OWN, Measured
from benchmarks.quality.scores import (
    changed,
    changed_entities,
    f1_by_language,
    f1_difference,
    mean_f1,
)

POINTS = 0.5
"""What int8 may change a score by."""
_COSINE = 0.99
_ABOUT = """What `runtime.dtype` changes in the demonstration model's annotations of test parts, on
which it was not trained; all sides run in one process through the stages `Tokenize` and `Annotate`.
*Entity F1* is strict: label, start and end must be right; micro-averaged within a language, then
the mean over languages. *As written* are the spans of `entities` with `aggregation: simple`; *at
words* are the same moved to whole words of the corpus, which is how the model card counts.
*Accuracy* is of topics, on SIB-200. *Cosines* are of a text's vector with its float32 vector, on
SIB-200 and Tatoeba. *Changed* topics are of the texts of both, whether right or wrong; changed
entities are those that only one of the two sides has, of those of either. Points are hundredths.

The model has three layers, in whose hidden states no column is more than five times as large as the
median one. Large checkpoints may have columns tens of times as large, which take digits from the
others in a row of 8-bit integers: measure a checkpoint of your own before you trust it to int8."""


def record(measured: Measured, around: Surroundings) -> Record:
    """All of it."""
    return Record(
        title="What int8 costs in quality",
        about=_ABOUT,
        surroundings=around,
        figures=_figures(measured),
        sheets=[_sides(measured), *sheets(measured)],
        samples={side: by_language(own) for side, own in measured.scores.items()},
    )


def picture(measured: Measured, path: Path) -> None:
    """What int8 changes in scores, language by language."""
    compared = [measured.scores[side] for side in (BASE, OWN)]
    kinds = {
        "entity F1, at words": [f1_by_language(own.at_words) for own in compared],
        "topic accuracy": [own.accuracy for own in compared],
    }
    held = []
    for kind, (before, after) in kinds.items():
        changes = {code: after[code] - before[code] for code in before}
        for label, change in {"all languages": np.mean([*changes.values()]), **changes}.items():
            held.append(Bar(f"{label} {change:+z.2f}", Spread.of([abs(float(change))]), kind))
    title = f"{OWN} against {BASE}: what a score changes by, either way\n"
    title += "(in accuracy one text is half a point of its language)"
    bars(path, title, "points", held, {f"goal for all languages {POINTS:g}": POINTS})


def _figures(measured: Measured) -> list[Figure]:
    before, after = measured.scores[BASE], measured.scores[OWN]
    changes = {
        "entity F1, as written": mean_f1(after.spans) - mean_f1(before.spans),
        "entity F1, at words": mean_f1(after.at_words) - mean_f1(before.at_words),
        "topic accuracy": after.mean_accuracy - before.mean_accuracy,
    }
    costs = [
        Figure(
            name=f"{name}: change, either way",
            value=Spread.of([abs(change)]),
            unit="points",
            goal=POINTS,
            less_is_better=True,
        )
        for name, change in changes.items()
    ]
    return [*costs, *_closeness(measured), *_shares(measured)]


def _closeness(measured: Measured) -> list[Figure]:
    own = measured.cosines()
    kept = {"first percentile": float(np.percentile(own, 1)), "least": float(own.min())}
    mean = Figure(
        name="embedding cosine: mean",
        value=Spread.of([float(own.mean())]),
        unit="",
        goal=_COSINE,
        digits=5,
    )
    others = [
        Figure(name=f"embedding cosine: {name}", value=Spread.of([value]), unit="", digits=5)
        for name, value in kept.items()
    ]
    return [mean, *others]


def _shares(measured: Measured) -> list[Figure]:
    before, after = measured.answers[BASE], measured.answers[OWN]
    shares = {
        "texts with another topic": changed(before.topics, after.topics),
        "texts with other entities": changed(before.entities, after.entities),
        "entities that one side alone has": changed_entities(before.entities, after.entities),
    }
    return [Figure(name=name, value=Spread.of([share]), unit="%") for name, share in shares.items()]


def _sides(measured: Measured) -> Sheet:
    rows = []
    for side, own in measured.scores.items():
        said, base = measured.answers[side], measured.answers[BASE]
        near = measured.cosines(side)
        row = (
            *(f"{mean_f1(own.spans):.2f}", f"{mean_f1(own.at_words):.2f}"),
            f"{own.mean_accuracy:.2f}",
            *(f"{near.mean():.5f}", f"{np.percentile(near, 1):.5f}", f"{near.min():.5f}"),
            f"{changed(base.topics, said.topics):.2f}",
            f"{changed_entities(base.entities, said.entities):.2f}",
        )
        rows.append((str(side), *row))
    columns = ("side", "F1 as\nwritten", "F1 at\nwords", "accuracy", "mean\ncosine")
    last = ("first\npercentile", "least", "topics\nchanged %", "entities\nchanged %")
    return Sheet("Sides", (*columns, *last), rows, _draws(measured))


def _draws(measured: Measured) -> str:
    before, after = measured.scores[BASE], measured.scores[OWN]
    found = [
        f"{f1_difference(one, other):+.2f} points {name}"
        for name, one, other in (
            ("as written", after.spans, before.spans),
            ("at words", after.at_words, before.at_words),
        )
    ]
    return (
        f"{OWN} changes F1 by {' and '.join(found)}; in parentheses what 95 % of 1,000 draws of "
        "test texts, with replacement, are between."
    )
