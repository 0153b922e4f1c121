"""What the pipeline says of held-out texts with one arithmetic.

Enters: texts and a ``runtime.dtype``. Leaves: ``Answers``, read from the columns that a job would
write. What holds: texts come through the stages ``Tokenize`` and ``Annotate`` as in a job, with the
settings that a config has if it says nothing, on one thread; languages are the corpora's, so that
no detector is measured along.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.quality.texts import Filed, Heldout, Mark, Marked
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
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import open_checkpoint

_NER = ModelSettings(path="demo/model/ner")
_TOPIC = ModelSettings(path="demo/model/topic")


@dataclass(frozen=True)
class Answers:
    """Entities of each marked text; of each filed text its topic and its vector [texts, hidden]."""

    entities: list[frozenset[Mark]]
    topics: list[str]
    vectors: NDArray[np.float64]


def languages() -> tuple[str, ...]:
    """Those that the demonstration model has adapters for."""
    return open_checkpoint(_NER).languages


def answers(texts: Heldout, dtype: DType) -> Answers:
    """Of all ``texts``."""
    found = _annotated(texts.marked, (NerSettings(type="ner", model=_NER),), dtype)
    tasks = (
        ClassificationSettings(type="classification", name="topic", model=_TOPIC),
        EmbeddingsSettings(type="embeddings", model=_TOPIC),
    )
    filed = _annotated(texts.filed, tasks, dtype)
    return Answers(
        entities=[
            frozenset((one["label"], one["start"], one["end"]) for one in some)
            for some in found["entities"].to_pylist()
        ],
        topics=filed["topic_label"].to_pylist(),
        vectors=np.array(filed["embedding"].to_pylist(), dtype=np.float64),
    )


def _annotated(
    texts: Sequence[Marked | Filed], tasks: tuple[TaskSettings, ...], dtype: DType
) -> pa.Table:
    """The block of ``texts`` after ``tasks``, which share a checkpoint."""
    checkpoint = open_checkpoint(tasks[0].model)
    runtime = RuntimeSettings(dtype=dtype)
    tokenize = Tokenize(runtime, (ModelInput(checkpoint.window_tokenizer(runtime.max_length)),))
    adapters = LoadedAdapters(tuple(checkpoint.languages))
    annotate = Annotate([Workload(checkpoint, 0, tasks)], adapters, runtime)
    return run_stage(annotate, run_stage(tokenize, _block(texts)))


def _block(texts: Sequence[Marked | Filed]) -> pa.Table:
    """As the identify stage leaves one, as far as the stages after it look."""
    return pa.table(
        {
            schema.TEXT.name: pa.array([one.text for one in texts], pa.string()),
            schema.QUESTION.name: pa.nulls(len(texts), schema.QUESTION.type),
            schema.CHOICES.name: pa.nulls(len(texts), schema.CHOICES.type),
            schema.ERROR.name: pa.nulls(len(texts), schema.FAILURE),
            "xmod_language": pa.array([one.code for one in texts], pa.string()),
        }
    )
