"""The annotate stage: windows → the columns of the tasks, one forward a checkpoint.

Enters: ``_windows_<k>``, ``xmod_language``, ``_text``, and ``_segments`` where texts were looked at
piece by piece. Leaves: the columns of the tasks. What holds: models are loaded once, when the stage
is made; tasks of one checkpoint share its forward; a record's result does not depend on the records
beside it; records in quarantine get nulls.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from pipeline import schema
from pipeline.settings import RuntimeSettings, TaskSettings
from pipeline.tasks import make_task
from pipeline.tasks.task import Document, Scores
from pipeline.xmod.adapters import Adapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import Checkpoint, reopen_checkpoint
from pipeline.xmod.lanes import Lanes
from pipeline.xmod.loading import load_model
from pipeline.xmod.windows import Window


@dataclass(frozen=True)
class Workload:
    """The tasks that share one checkpoint, and the position of its tokenizer among the job's."""

    checkpoint: Checkpoint
    tokenizer: int
    tasks: tuple[TaskSettings, ...]


class Annotate:
    """Runs every workload over a block with the ``adapters`` that it needs."""

    name = "annotate"

    def __init__(
        self, workloads: Sequence[Workload], adapters: Adapters, runtime: RuntimeSettings
    ) -> None:
        lanes = Lanes(runtime.lanes)
        self._engines = [_Engine(workload, adapters, runtime, lanes) for workload in workloads]

    @property
    def consumes(self) -> tuple[str, ...]:
        """Text, adapter, windows."""
        windows = {schema.windows_field(engine.tokenizer).name for engine in self._engines}
        return (schema.TEXT.name, schema.ERROR.name, "xmod_language", *sorted(windows))

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """The tasks' columns."""
        return tuple(field for engine in self._engines for field in engine.fields)

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with the columns of all tasks."""
        sound = np.flatnonzero(schema.sound(table).to_numpy())
        for engine in self._engines:
            values = engine.annotate(table.take(sound)) if len(sound) else []
            nothing = (None,) * len(engine.fields)
            rows: list[tuple[object, ...]] = [nothing] * table.num_rows
            for row, value in zip(sound.tolist(), values, strict=True):
                rows[row] = value
            columns = [[row[k] for row in rows] for k in range(len(nothing))]
            table = schema.add(table, engine.fields, columns)
        return table


class _Engine:
    """One checkpoint on a device: an encoder and a head for each of its tasks."""

    def __init__(
        self, workload: Workload, adapters: Adapters, runtime: RuntimeSettings, lanes: Lanes
    ) -> None:
        checkpoint = reopen_checkpoint(workload.checkpoint, workload.tasks[0].model)
        self.tokenizer = workload.tokenizer
        self._tasks = [make_task(settings, checkpoint) for settings in workload.tasks]
        self.fields = tuple(field for task in self._tasks for field in task.fields)
        classes = dict.fromkeys(task.model_class for task in self._tasks)
        self._model = load_model(checkpoint, classes, adapters, runtime)
        self._adapters = adapters
        self._lanes = lanes
        self._max_tokens = runtime.batch_tokens
        self._stride = runtime.stride

    def annotate(self, table: pa.Table) -> list[tuple[object, ...]]:
        """One value a field for each record of ``table``."""
        windows = _windows(table[schema.windows_field(self.tokenizer).name])
        texts = table[schema.TEXT.name].to_pylist()
        codes = chain.from_iterable(window_languages(table, windows))
        lang_ids = self._adapters.lang_ids(list(codes))
        values: dict[int, tuple[object, ...]] = {}
        for row, scores in _by_record(windows, self._score(windows, lang_ids)):
            values[row] = self._decode(Document(texts[row], windows[row], self._stride), scores)
        return [values[row] for row in range(len(texts))]

    def _score(
        self, windows: list[list[Window]], lang_ids: list[int]
    ) -> Iterator[tuple[int, list[Scores]]]:
        """Each window's place, counted over all records, and each task's result for it.

        They come as their micro-batches end, while others are still at work.
        """
        flat = list(chain.from_iterable(windows))
        lengths = [len(window) for window in flat]
        batches = list(micro_batches(lengths, lang_ids, self._max_tokens, self._lanes.number))
        forward = partial(self._forward, flat, lang_ids)
        for batch, by_task in zip(batches, self._lanes.map(forward, batches), strict=True):
            for place, scores in zip(batch, zip(*by_task, strict=True), strict=True):
                yield place, list(scores)

    @torch.inference_mode()
    def _forward(
        self, windows: list[Window], lang_ids: list[int], batch: list[int]
    ) -> list[list[Scores]]:
        """For each task, its result for each of the windows at ``batch``, one micro-batch."""
        tokens = [windows[i].ids for i in batch]
        packed = self._model.encoder.pack(tokens, [lang_ids[i] for i in batch])
        hidden = self._model.encoder(packed)
        scored = [
            task.score(self._model.heads.get(task.model_class), hidden, packed).cpu().numpy()
            for task in self._tasks
        ]
        ends = np.cumsum([len(some) for some in tokens])
        return [
            np.split(scores, ends[:-1]) if task.by_token else list(scores)
            for task, scores in zip(self._tasks, scored, strict=True)
        ]

    def _decode(self, document: Document, scores: list[list[Scores]]) -> tuple[object, ...]:
        values = (
            task.decode(document, by_window)
            for task, by_window in zip(self._tasks, zip(*scores, strict=True), strict=True)
        )
        return tuple(chain.from_iterable(values))


def _by_record(
    windows: list[list[Window]], scored: Iterable[tuple[int, list[Scores]]]
) -> Iterator[tuple[int, list[list[Scores]]]]:
    """Each record's row, and the results for its windows, once the last of them is there."""
    owners = [row for row, some in enumerate(windows) for _ in some]
    firsts = list(accumulate((len(some) for some in windows), initial=0))
    waiting: dict[int, dict[int, list[Scores]]] = {}
    for place, scores in scored:
        row = owners[place]
        there = waiting.setdefault(row, {})
        there[place] = scores
        if len(there) == len(windows[row]):
            yield row, [there[k] for k in range(firsts[row], firsts[row + 1])]
            del waiting[row]


def window_languages(table: pa.Table, windows: list[list[Window]]) -> Iterator[list[str | None]]:
    """The adapter of each record's windows: its own, or that of most of the window's text."""
    codes = table["xmod_language"].to_pylist()
    piecewise = schema.SEGMENTS.name in table.column_names
    segments = table[schema.SEGMENTS.name].to_pylist() if piecewise else [None] * len(codes)
    for code, some, stretches in zip(codes, windows, segments, strict=True):
        if stretches is None:
            yield [code] * len(some)
        else:
            yield [_of_most(stretches, window) for window in some]


def _of_most(stretches: list[dict[str, Any]], window: Window) -> str | None:
    """The adapter that most characters of ``window`` are in."""
    characters: dict[str | None, int] = {}
    last = int(window.ends.max(initial=0))
    first = int(window.starts[window.ends > 0].min(initial=last))  # special tokens are at 0, 0
    start = 0
    for stretch in stretches:
        inside = min(last, stretch["end"]) - max(first, start)
        code = stretch["xmod_language"]
        characters[code] = characters.get(code, 0) + max(0, inside)
        start = stretch["end"]
    return max(characters, key=lambda code: characters[code])


def _windows(column: pa.ChunkedArray) -> list[list[Window]]:
    """``_windows_<k>`` as arrays that share the column's memory."""
    lists = column.combine_chunks()
    structs = lists.flatten()
    ids, starts, ends = (structs.field(name) for name in ("input_ids", "starts", "ends"))
    bounds = ids.offsets.to_numpy()
    columns = [field.values.to_numpy() for field in (ids, starts, ends)]
    flat = [Window(*(values[begin:end] for values in columns)) for begin, end in pairwise(bounds)]
    counts = pc.list_value_length(lists).to_pylist()
    positions = iter(flat)
    return [[next(positions) for _ in range(count)] for count in counts]
