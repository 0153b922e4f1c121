"""What ``runtime.dtype`` costs the demonstration model in quality, on its test parts.

float32, int8 and bfloat16 annotate the same texts in one run through the stages ``Tokenize`` and
``Annotate``. Languages are the corpora's, so no detector is measured along. No training step has
seen the texts (``demo/prepare_data.py``); of a language with more texts than asked for, texts at
even distances stand for all. Scores are in points, a share times 100.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray

from benchmarks import harness
from pipeline.config import (
    ClassificationSettings,
    DType,
    EmbeddingsSettings,
    ModelSettings,
    NerSettings,
    RuntimeSettings,
    TaskSettings,
)
from pipeline.contract import schema
from pipeline.stages.annotate import Annotate
from pipeline.stages.stage import run_stage
from pipeline.stages.tokenize import Tokenize
from pipeline.stages.workload import Workload
from pipeline.tasks.model_inputs import ModelInput
from pipeline.training.labels import entities, rebuild
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import open_checkpoint

BASE, SIDES = DType.FLOAT32, (DType.FLOAT32, DType.INT8, DType.BFLOAT16)
_NER, _TOPIC = ModelSettings(path="demo/model/ner"), ModelSettings(path="demo/model/topic")
_PREPARED = Path("demo/data")
"""Where ``demo/prepare_data.py`` writes, in ten seconds; not in the repository."""
_SEED, _DRAWS, _PAIRS = 5, 1000, 200

Entities = frozenset[tuple[str, int, int]]
"""Label, start and end in code points, half-open."""


@dataclass(frozen=True)
class Text:
    """A text with the entities or the topic that people gave it; None where nobody did."""

    code: str
    text: str
    entities: Entities | None = None
    topic: str | None = None


@dataclass(frozen=True)
class Answers:
    """Entities of each text of one corpus; topics and vectors [texts, hidden] of another."""

    entities: list[Entities]
    topics: list[str]
    vectors: NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """By language: counts [texts, 3] of right, found and existing entities; hits of topics."""

    entities: dict[str, NDArray[np.float64]]
    topics: dict[str, NDArray[np.float64]]

    @property
    def f1(self) -> dict[str, float]:
        """Strict F1 of entities, micro-averaged within a language."""
        return {code: float(f1(counts.sum(0))) for code, counts in self.entities.items()}

    @property
    def accuracy(self) -> dict[str, float]:
        """Of topics."""
        return {code: 100 * float(hits.mean()) for code, hits in self.topics.items()}


def main(
    data: harness.Data = harness.DATA,
    sentences: Annotated[int, typer.Option(min=1, help="Of each language at most.")] = 1000,
    out: harness.Out = harness.RESULTS,
) -> None:
    """Annotate with all sides, print and write."""
    around = harness.surroundings()
    if not (_PREPARED / "added" / "retrieval.parquet").is_file():  # the last that is written
        script = [sys.executable, "demo/prepare_data.py", "--data", str(data)]
        subprocess.run([*script, "--out", str(_PREPARED)], check=True)
    marked = thinned([text for part in ("ner", "ner_pud") for text in _texts(part)], sentences)
    filed = _texts("topic") + thinned(_texts("retrieval"), _PAIRS)
    answers = {}
    for side in SIDES:
        harness.note(f"{side} annotates {len(marked) + len(filed):,} texts")
        answers[side] = annotated(marked, filed, side)
    _record(around, marked, filed, answers).keep(out, "int8_quality")


def annotated(marked: Sequence[Text], filed: Sequence[Text], dtype: DType) -> Answers:
    """What the pipeline says with one arithmetic: entities of ``marked``, the rest of ``filed``."""
    found = _through_stages(marked, (NerSettings(type="ner", model=_NER),), dtype)
    topic = ClassificationSettings(type="classification", name="topic", model=_TOPIC)
    vectors = EmbeddingsSettings(type="embeddings", model=_TOPIC)
    others = _through_stages(filed, (topic, vectors), dtype)
    return Answers(
        [
            frozenset((one["label"], one["start"], one["end"]) for one in some)
            for some in found["entities"].to_pylist()
        ],
        others["topic_label"].to_pylist(),
        np.array(others["embedding"].to_pylist(), dtype=np.float64),
    )


def scored(marked: Sequence[Text], filed: Sequence[Text], answers: Answers) -> Scores:
    """``answers`` against what people said."""
    counts = [
        (len(found & one.entities), len(found), len(one.entities))
        for one, found in zip(marked, answers.entities, strict=True)
        if one.entities is not None
    ]
    judged = [(one, said) for one, said in zip(filed, answers.topics, strict=True) if one.topic]
    return Scores(
        by_language([one.code for one in marked], counts),
        by_language([one.code for one, _ in judged], [one.topic == said for one, said in judged]),
    )


def by_language(codes: Sequence[str], values: Sequence[object]) -> dict[str, NDArray[np.float64]]:
    """The rows of ``values`` of each language."""
    languages, rows = np.array(codes), np.array(values, dtype=np.float64)
    return {code: rows[languages == code] for code in dict.fromkeys(codes)}


def f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points, from sums [..., 3] of right, found and existing entities."""
    right, found, existing = np.moveaxis(counts, -1, 0)
    return 200 * right / np.maximum(found + existing, 1)


def f1_change(after: Scores, before: Scores) -> harness.Spread:
    """Of the mean over languages; low and high hold 95% of draws of other texts."""
    generator = np.random.default_rng(_SEED)
    drawn = []
    for code, own in after.entities.items():
        times = generator.multinomial(len(own), np.full(len(own), 1 / len(own)), size=_DRAWS)
        drawn.append(f1(times @ own) - f1(times @ before.entities[code]))
    low, high = np.percentile(np.mean(drawn, axis=0), [2.5, 97.5])
    return harness.Spread(_mean(after.f1) - _mean(before.f1), float(low), float(high))


def changed_entities(one: Sequence[Entities], other: Sequence[Entities]) -> float:
    """Share of entities, in points, that only one of two sides has, of those of either."""
    apart = sum(len(a ^ b) for a, b in zip(one, other, strict=True))
    return 100 * apart / max(1, sum(len(a | b) for a, b in zip(one, other, strict=True)))


def cosines(one: Answers, other: Answers) -> NDArray[np.float64]:
    """Of each text's two vectors [texts]."""
    norms = np.linalg.norm(one.vectors, axis=1) * np.linalg.norm(other.vectors, axis=1)
    cosine: NDArray[np.float64] = (one.vectors * other.vectors).sum(1) / norms
    return cosine


def thinned(texts: Sequence[Text], most: int) -> list[Text]:
    """At most ``most`` texts of each language, at even distances in their order."""
    by_code: dict[str, list[Text]] = {}
    for one in texts:
        by_code.setdefault(one.code, []).append(one)
    return [
        some[int(place)]
        for some in by_code.values()
        for place in np.linspace(0, len(some) - 1, min(len(some), most)).round()
    ]


def _texts(part: str) -> list[Text]:
    """The test part of a prepared corpus, in the languages of the demonstration model."""
    table: pa.Table = pq.read_table(_PREPARED / f"{part}.parquet")
    languages = open_checkpoint(_NER).languages
    rows = table.filter(pc.equal(table["split"], "test")).to_pylist()
    return [_text(row) for row in rows if row["language"] in languages]


def _text(row: dict[str, Any]) -> Text:
    if "tokens" not in row:
        return Text(row["language"], row["text"], topic=row.get("label"))
    text, words = rebuild(row["tokens"], row["spaces"])
    gold = frozenset((one.label, one.start, one.end) for one in entities(row["tags"], words))
    return Text(row["language"], text, gold)


def _through_stages(
    texts: Sequence[Text], tasks: tuple[TaskSettings, ...], dtype: DType
) -> pa.Table:
    """The block of ``texts`` after ``tasks``, which share a checkpoint."""
    checkpoint = open_checkpoint(tasks[0].model)
    runtime = RuntimeSettings(dtype=dtype)
    tokenize = Tokenize(runtime, (ModelInput(checkpoint.window_tokenizer(runtime.max_length)),))
    adapters = LoadedAdapters(tuple(checkpoint.languages))
    annotate = Annotate([Workload((checkpoint,) * len(tasks), 0, tasks)], adapters, runtime)
    block = pa.table(
        {
            schema.TEXT.name: pa.array([one.text for one in texts], pa.string()),
            schema.QUESTION.name: pa.nulls(len(texts), schema.QUESTION.type),
            schema.SECOND.name: pa.nulls(len(texts), schema.SECOND.type),
            schema.CHOICES.name: pa.nulls(len(texts), schema.CHOICES.type),
            schema.ERROR.name: pa.nulls(len(texts), schema.FAILURE),
            "xmod_language": pa.array([one.code for one in texts], pa.string()),
        }
    )
    return run_stage(annotate, run_stage(tokenize, block))


def _record(
    around: harness.Surroundings,
    marked: Sequence[Text],
    filed: Sequence[Text],
    answers: Mapping[DType, Answers],
) -> harness.Record:
    scores = {side: scored(marked, filed, own) for side, own in answers.items()}
    base, figures = answers[BASE], []
    rows = []
    for side, own in answers.items():
        near = cosines(own, base)
        topics = 100 * np.mean([a != b for a, b in zip(own.topics, base.topics, strict=True)])
        accuracy = _mean(scores[side].accuracy)
        row = (
            *(f"{_mean(scores[side].f1):.2f}", f"{accuracy:.2f}"),
            *(f"{near.mean():.5f}", f"{np.percentile(near, 1):.5f}", f"{near.min():.5f}"),
            *(f"{topics:.2f}", f"{changed_entities(base.entities, own.entities):.2f}"),
        )
        rows.append((str(side), *row))
        if side != BASE:
            change = f1_change(scores[side], scores[BASE])
            figures.append(harness.Figure(f"{side}: change of entity F1", change, "points"))
            topic_change = harness.Spread.of([accuracy - _mean(scores[BASE].accuracy)])
            name = f"{side}: change of topic accuracy"
            figures.append(harness.Figure(name, topic_change, "points"))
    columns = ("side", "entity F1", "topic accuracy", "mean cosine", "first percentile", "least")
    return harness.Record(
        title="What int8 costs in quality",
        about=(
            "Test parts of the demonstration model. Entity F1 is strict and the mean over "
            "languages; in parentheses what 95% of 1,000 draws of test texts, with replacement, "
            "are between. Accuracy is of topics on SIB-200. Cosines are of a text's vector with "
            "its float32 vector, on SIB-200 and Tatoeba. Changed entities are those that one side "
            "alone has, of those of either.\n\nIn the hidden states of this model of three layers "
            "no column is more than five times as large as the median one. Large checkpoints may "
            "have columns tens of times as large: measure your own before you trust it to int8."
        ),
        surroundings=around,
        figures=figures,
        sheets=[harness.Sheet("Sides", (*columns, "topics changed %", "entities changed %"), rows)],
        samples={side: {"f1": own.f1, "accuracy": own.accuracy} for side, own in scores.items()},
    )


def _mean(scores: Mapping[str, float]) -> float:
    """Over languages, each counting alike."""
    return float(np.mean(list(scores.values())))


if __name__ == "__main__":
    typer.run(main)
