"""Scores a language at a time.

Enters: a reader and labelled rows of many languages. Leaves: figures by language.
Holds: languages come in the order of their `lang_id`; those without an adapter are not scored.
"""

from collections.abc import Callable, Mapping

import pyarrow as pa

from pipeline.training.corpus import of_language
from pipeline.training.heads.head import Figures
from pipeline.training.inference import Reader

Score = Callable[[pa.Table, str], Mapping[str, float]]
"""Of the rows of a language; figure to score."""


def by_language(reader: Reader, table: pa.Table, score: Score) -> Figures:
    """The figures that `score` gives for the rows of each language that the model has."""
    present = set(table["language"].unique().to_pylist())
    languages = [language for language in reader.codec.languages if language in present]
    with reader.reading():
        return gathered(table, languages, score)


def without_model(table: pa.Table, score: Score) -> Figures:
    """The figures that `score` gives for the rows of each language of `table`."""
    return gathered(table, table["language"].unique().to_pylist(), score)


def gathered(table: pa.Table, languages: list[str], score: Score) -> Figures:
    """Figures by name, then by language, from those by language."""
    figures: Figures = {}
    for language in languages:
        for name, value in score(of_language(table, language), language).items():
            figures.setdefault(name, {})[language] = float(value)
    return figures
