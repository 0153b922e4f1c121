"""Topics for sentences that have none, by the votes of all their translations.

Enters: the topic checkpoint, and the sentences of NTREX's training documents in all languages
(``translations.parquet``). Leaves in ``--out``: topic.parquet's rows and these sentences as train
rows, in every language. Holds: a sentence gets the topic that is the likeliest on the mean over its
languages, if that is likely enough; no dev or test row is added or changed.

One model reads a sentence in 24 languages, and errs in each of them elsewhere: what they agree on
is right more often than what one of them says. Learning from it is distillation (Hinton et al.,
2015) from that ensemble into each language.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer

from pipeline.training.evaluate import load_reader
from pipeline.training.inference import Reader, logits
from pipeline.training.quiet import be_quiet
from pipeline.training.settings import Evaluated, Task

logger = logging.getLogger("demo.label_topics")

Votes = dict[str, np.ndarray]
"""English sentence to the mean of probabilities [topics] over its translations."""


def main(
    checkpoint: Annotated[Path, typer.Option(help="Topic checkpoint.")] = Path("demo/model/topic"),
    data: Annotated[Path, typer.Option(help="Folder of prepare_data.py.")] = Path("demo/data"),
    out: Annotated[Path, typer.Option(help="Parquet file.")] = Path("demo/data/topic_more.parquet"),
    least: Annotated[float, typer.Option(help="Probability below which none is given.")] = 0.5,
) -> None:
    """Write topic.parquet with more train rows."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    be_quiet()
    gold = pq.read_table(data / "topic.parquet")
    known = set(gold["text"].to_pylist())
    pairs = pq.read_table(data / "translations.parquet")
    pairs = pairs.filter(pc.equal(pairs["split"], "train"))
    rows = [row for row in sentences(pairs) if row["text"] not in known]
    evaluated = Evaluated(task=Task.CLASSIFICATION, checkpoint=checkpoint, data=data)
    reader = load_reader(evaluated, batch_size=64)
    votes = voted(reader, rows)
    sure = {english: vote for english, vote in votes.items() if vote.max() >= least}
    logger.info("%d of %d sentences get a topic", len(sure), len(votes))
    more = [
        {
            "text": row["text"],
            "label": reader.codec.labels[int(sure[row["english"]].argmax())],
            "language": row["language"],
            "split": "train",
        }
        for row in rows
        if row["english"] in sure
    ]
    pq.write_table(pa.concat_tables([gold, pa.Table.from_pylist(more, gold.schema)]), out)
    logger.info("%s: %d rows, %d of them new", out, gold.num_rows + len(more), len(more))


def sentences(pairs: pa.Table) -> Iterator[dict[str, str]]:
    """Each text with its language and its English version, English itself among them."""
    rows = pairs.select(["text", "translation", "language", "translation_language"]).to_pylist()
    english = {row["translation"]: row["translation_language"] for row in rows}
    for text, language in english.items():
        yield {"text": text, "english": text, "language": language}
    for row in rows:
        yield {"text": row["text"], "english": row["translation"], "language": row["language"]}


def voted(reader: Reader, rows: Sequence[dict[str, str]]) -> Votes:
    """What all translations of each English sentence say on the mean."""
    sums: Votes = {}
    counts: dict[str, int] = {}
    for language in reader.codec.languages:
        here = [row for row in rows if row["language"] == language]
        ids = reader.codec.encoded([row["text"] for row in here])["input_ids"] if here else []
        with reader.reading():
            scores = logits(reader, ids, language)
        for row, score in zip(here, scores, strict=True):
            weights = np.exp(score - score.max())
            share = weights / weights.sum()
            sums[row["english"]] = sums.get(row["english"], np.zeros_like(share)) + share
            counts[row["english"]] = counts.get(row["english"], 0) + 1
    return {english: total / counts[english] for english, total in sums.items()}


if __name__ == "__main__":
    typer.run(main)
