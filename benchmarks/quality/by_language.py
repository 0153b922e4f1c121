"""Two sides language by language.

Enters: held-out texts, and each side's answers and scores. Leaves: sheets of entities, of topics
and vectors; all scores of a side. What holds: a row is a language.
"""

from collections.abc import Sequence

from benchmarks.harness.sheet import Sheet
from benchmarks.quality.measured import BASE, OWN, Measured
from benchmarks.quality.scores import Scores, changed, changed_entities, f1_by_language

_SCORED = (str(BASE), str(OWN), "change")


def sheets(measured: Measured) -> list[Sheet]:
    """Entities in two ways, topics."""
    return [_as_written(measured), _at_words(measured), _topics(measured)]


def by_language(own: Scores) -> dict[str, dict[str, float]]:
    """All scores of a side."""
    return {
        "entity F1, as written": f1_by_language(own.spans),
        "entity F1, at words": f1_by_language(own.at_words),
        "topic accuracy": own.accuracy,
    }


def _as_written(measured: Measured) -> Sheet:
    rows = []
    for code, own in measured.scores[BASE].spans.items():
        kept = [place for place, one in enumerate(measured.texts.marked) if one.code == code]
        before, after = (
            [measured.answers[side].entities[place] for place in kept] for side in (BASE, OWN)
        )
        row = (
            f"{len(own):,} of {measured.texts.existing[code]:,}",
            f"{own[:, 2].sum():,.0f}",
            *_scored(measured, "entity F1, as written", code),
            f"{changed(before, after):.1f}",
            f"{changed_entities(before, after):.1f}",
        )
        rows.append((code, *row))
    columns = ("language", "texts", "entities", *_SCORED, "texts\nchanged %", "entities\nchanged %")
    note = "Where a language has more texts than are used, those used stand at even distances."
    return Sheet("Entity F1 as written, by language", columns, rows, note)


def _at_words(measured: Measured) -> Sheet:
    name = "entity F1, at words"
    codes = measured.scores[BASE].at_words
    rows = [(code, *_scored(measured, name, code)) for code in codes]
    return Sheet("Entity F1 at words, by language", ("language", *_SCORED), rows)


def _topics(measured: Measured) -> Sheet:
    filed, near = measured.texts.filed, measured.cosines()
    rows = []
    for code in measured.scores[BASE].accuracy:
        kept = [place for place, one in enumerate(filed) if one.code == code]
        before, after = (
            [measured.answers[side].topics[place] for place in kept] for side in (BASE, OWN)
        )
        judged = sum(filed[place].topic is not None for place in kept)
        row = (
            f"{judged:,}",
            *_scored(measured, "topic accuracy", code),
            f"{len(kept):,}",
            f"{changed(before, after):.1f}",
            *(f"{near[kept].mean():.5f}", f"{near[kept].min():.5f}"),
        )
        rows.append((code, *row))
    columns = ("language", "texts with\na topic", *_SCORED, "all\ntexts", "topics\nchanged %")
    note = (
        "Texts with a topic are SIB-200's, one of which is half a point; the others are Tatoeba's."
    )
    title = "Topic accuracy and vectors, by language"
    return Sheet(title, (*columns, "mean\ncosine", "least"), rows, note)


def _scored(measured: Measured, name: str, code: str) -> Sequence[str]:
    """Both sides' score, and the difference."""
    before, after = (by_language(measured.scores[side])[name][code] for side in (BASE, OWN))
    return f"{before:.2f}", f"{after:.2f}", f"{after - before:+z.2f}"
