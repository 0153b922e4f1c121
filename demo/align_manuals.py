"""Translations among the manuals' paragraphs, which keep their order in every language.

Enters: the base checkpoint, and the paragraphs of the Debian and GNOME manuals by language, each of
which has lost some to the filters of its corpus. Leaves in ``--out``: translations.parquet's rows
and these pairs with English as train rows.
Holds: pairs of a language do not cross; a pair has what is not translated (commands, names,
numbers) in common, or vectors that are nearer to each other than to other paragraphs'; no dev row
is added or changed, and no text of a test part is paired.

The alignment is that of Needleman and Wunsch (1970), paragraph for paragraph, on the vectors'
margin of Artetxe and Schwenk, "Margin-based Parallel Corpus Mining" (ACL 2019), on shared marks,
and on lengths as in Gale and Church (Computational Linguistics 19, 1993).
"""

import logging
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from prepare_data import ner_rows, tested_texts, untested, without_leaks
from text_corpora import LANGUAGES, PIVOT, Names, manual_rows, pair, topic_rows

from pipeline.training.evaluate import load_reader
from pipeline.training.inference import mean_embeddings
from pipeline.training.settings import Evaluated, Task
from pipeline.xmod.transformers_logging import silence_transformers

logger = logging.getLogger("demo.align_manuals")

MARK = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{2,}|[0-9]+(?:[.,:][0-9]+)*")
"""What translators leave as it is: words in Latin letters, and numbers."""
SKIP = -0.1
"""For a paragraph without a counterpart."""
LENGTH_SPREAD = 0.25
"""Standard deviation of the logarithm of two translations' lengths, about their mean."""
NEIGHBOURS = 8
"""Nearest paragraphs, which a pair's cosine has to exceed."""
_PAIR, _UP, _LEFT = 0, 1, 2
"""Steps of a path: a row and a column together, a row alone, a column alone."""


def main(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    prepared: Annotated[Path, typer.Option(help="Folder of prepare_data.py.")] = Path("demo/data"),
    checkpoint: Annotated[Path, typer.Option(help="Base checkpoint.")] = Path("demo/model/base"),
    out: Annotated[Path, typer.Option(help="Parquet file.")] = Path(
        "demo/data/translations_more.parquet"
    ),
    least: Annotated[float, typer.Option(help="Score below which a pair is left out.")] = 0.15,
) -> None:
    """Write translations.parquet with more train rows."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    silence_transformers()
    evaluated = Evaluated(task=Task.EMBEDDINGS, checkpoint=checkpoint, data=prepared)
    reader = load_reader(evaluated, batch_size=64)
    languages = {code: LANGUAGES[code] for code in reader.codec.languages if code in LANGUAGES}
    paragraphs = _paragraphs(data, languages)
    english = paragraphs.pop(PIVOT)
    english_vectors = mean_embeddings(reader, english, PIVOT)
    more = []
    for language, texts in paragraphs.items():
        cosines = english_vectors @ mean_embeddings(reader, texts, language).T
        worth = scores(english, texts, cosines)
        found = [place for place in best_path(worth) if worth[place] >= least]
        more += [pair(texts[column], english[row], language, "train") for row, column in found]
        logger.info("%s: %d of %d paragraphs", language, len(found), len(texts))
    known = pq.read_table(prepared / "translations.parquet")
    pq.write_table(pa.concat_tables([known, pa.Table.from_pylist(more, known.schema)]), out)
    logger.info("%s: %d rows, %d of them new", out, known.num_rows + len(more), len(more))


def _paragraphs(data: Path, languages: Mapping[str, Names]) -> dict[str, list[str]]:
    """The manuals by language, in order, without what a test part holds too."""
    ner = without_leaks(list(ner_rows(data)))
    tested = tested_texts(data, languages, ner, list(topic_rows(data, languages)))
    paragraphs = defaultdict(list)
    for row in untested(manual_rows(data, languages, most=math.inf), tested):
        paragraphs[row["language"]].append(row["text"])
    return paragraphs


def scores(texts: Sequence[str], others: Sequence[str], cosines: np.ndarray) -> np.ndarray:
    """What speaks for two being translations: about 1 if all does [texts, others]."""
    return 2 * _margins(cosines) + _shared_marks(texts, others) + _lengths_fit(texts, others)


def _margins(cosines: np.ndarray) -> np.ndarray:
    """Cosines without what is usual among the nearest on either side [texts, others]."""
    most = min(NEIGHBOURS, *cosines.shape)
    of_texts = np.partition(cosines, -most, axis=1)[:, -most:].mean(axis=1, keepdims=True)
    of_others = np.partition(cosines, -most, axis=0)[-most:].mean(axis=0, keepdims=True)
    return cosines - (of_texts + of_others) / 2


def _lengths_fit(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """How usual the ratio of the lengths is, 0 at best [texts, others]."""
    lengths = np.log([len(text) for text in texts])[:, None]
    other_lengths = np.log([len(text) for text in others])[None, :]
    usual = np.log(np.mean(np.exp(other_lengths)) / np.mean(np.exp(lengths)))
    away = (other_lengths - lengths - usual) / LENGTH_SPREAD
    return np.maximum(-0.1 * away**2, -2.0).astype(np.float32)


def _shared_marks(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Overlap of rare marks, 0 to 1 [texts, others]."""
    marks = [_marks(text) for text in texts]
    other_marks = [_marks(text) for text in others]
    seen = Counter(mark for one in (*marks, *other_marks) for mark in one)
    shared = sorted(set().union(*marks) & set().union(*other_marks))
    places = {mark: place for place, mark in enumerate(shared)}
    weights = np.array([math.log((len(texts) + len(others)) / seen[mark]) for mark in shared])
    left, right = (_weighted(rows, places, weights) for rows in (marks, other_marks))
    return left @ right.T


def _weighted(rows: Sequence[set[str]], places: dict[str, int], weights: np.ndarray) -> np.ndarray:
    """Marks as vectors of length 1, or 0 where there is none [rows, places]."""
    vectors = np.zeros((len(rows), len(places)), np.float32)
    for row, marks in enumerate(rows):
        columns = [places[mark] for mark in marks if mark in places]
        vectors[row, columns] = weights[columns]
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def _marks(text: str) -> set[str]:
    return {mark.lower() for mark in MARK.findall(text)}


def best_path(worth: np.ndarray) -> list[tuple[int, int]]:
    """The pairs, in order, of the best alignment of rows and columns that does not cross."""
    rows, columns = worth.shape
    skipped = (SKIP * np.arange(columns + 1)).astype(np.float32)
    best = skipped
    steps = np.empty((rows, columns + 1), np.int8)
    for row in range(rows):
        paired = np.concatenate([[np.float32(-np.inf)], best[:-1] + worth[row]])
        entered = np.maximum(best + np.float32(SKIP), paired)
        # A run of skipped columns costs SKIP each: a running maximum without that slope.
        best = np.maximum.accumulate(entered - skipped) + skipped
        steps[row] = np.where(best - entered > 1e-5, _LEFT, np.where(paired == entered, _PAIR, _UP))
    path = []
    row, column = rows - 1, columns
    while row >= 0 and column > 0:
        step = steps[row, column]
        if step == _PAIR:
            path.append((row, column - 1))
        row -= step != _LEFT
        column -= step != _UP
    return path[::-1]


if __name__ == "__main__":
    typer.run(main)
