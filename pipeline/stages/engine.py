"""One encoder: documents → the values of its tasks, from one forward.

Engines of one encoder share its model, which is loaded once. Records are decoded while other
micro-batches are still in the model.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, islice
from typing import TypeAlias

import numpy as np
import torch

from pipeline.config import RuntimeSettings
from pipeline.stages.measures import MicroBatches
from pipeline.stages.workload import Workload
from pipeline.tasks import make_task
from pipeline.tasks.task import NOWHERE, Document, Places, Scores
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import Checkpoint, EncoderFiles, reopen_checkpoint
from pipeline.xmod.lanes import Lanes
from pipeline.xmod.loading import Model, load_model
from pipeline.xmod.packed import Masks
from pipeline.xmod.windows import Window


def on_this_machine(workload: Workload) -> Workload:
    """``workload`` with its checkpoints as this machine has them."""
    pairs = zip(workload.checkpoints, workload.tasks, strict=True)
    found = tuple(reopen_checkpoint(planned, task.model) for planned, task in pairs)
    return replace(workload, checkpoints=found)


def load_models(
    workloads: Sequence[Workload], adapters: LoadedAdapters, runtime: RuntimeSettings
) -> dict[EncoderFiles, Model]:
    """Each encoder of ``workloads``, loaded once, with the heads of all its tasks."""
    heads: dict[EncoderFiles, dict[str, Checkpoint]] = {}
    for workload in workloads:
        for settings, checkpoint in zip(workload.tasks, workload.checkpoints, strict=True):
            architecture = make_task(settings, checkpoint).architecture
            heads.setdefault(workload.encoder, {}).setdefault(architecture, checkpoint)
    return {encoder: load_model(some, adapters, runtime) for encoder, some in heads.items()}


class Engine:
    """One encoder on a device, with a head for each of its tasks."""

    def __init__(
        self,
        workload: Workload,
        model: Model,
        adapters: LoadedAdapters,
        runtime: RuntimeSettings,
        lanes: Lanes,
    ) -> None:
        self._model = model
        self.reading = workload.reading
        self._tasks = [
            make_task(settings, checkpoint)
            for settings, checkpoint in zip(workload.tasks, workload.checkpoints, strict=True)
        ]
        self.fields = tuple(field for task in self._tasks for field in task.fields)
        self._adapters = adapters
        self._lanes = lanes
        self._max_tokens = runtime.batch_tokens
        masking = any(task.masks for task in self._tasks)
        self._mask = workload.checkpoints[0].mask_id if masking else None

    def annotate(
        self, documents: Sequence[Document], languages: Sequence[Sequence[str | None]]
    ) -> tuple[list[tuple[object, ...]], MicroBatches]:
        """One value a field for each of ``documents``; ``languages`` are those of their windows."""
        adapter_indices = iter(self._adapters.adapter_indices(list(chain.from_iterable(languages))))
        inputs = [list(self._inputs(document, adapter_indices)) for document in documents]
        batches = self._micro_batches(list(chain.from_iterable(inputs)))
        values: dict[int, tuple[object, ...]] = {}
        for row, scores in _by_record(inputs, self._score(batches)):
            values[row] = self._decode(documents[row], scores)
        return [values[row] for row in range(len(documents))], self._counted(batches)

    def _inputs(self, document: Document, adapter_indices: Iterator[int]) -> Iterator["_Input"]:
        """The forwards of a record; tasks that share them mask alike."""
        own = list(islice(adapter_indices, len(document.windows)))
        first = self._tasks[0]
        if first.generates:
            yield _Input(first.prompt(document), own[-1], NOWHERE)
            return
        for window, adapter_index in zip(document.windows, own, strict=True):
            for places in first.masked(window):
                yield _Input(window, adapter_index, places)

    def _micro_batches(self, inputs: list["_Input"]) -> list["_Batch"]:
        lengths = [len(one.window) for one in inputs]
        adapter_indices = [one.adapter_index for one in inputs]
        batches = micro_batches(lengths, adapter_indices, self._max_tokens, self._lanes.number)
        return [{place: inputs[place] for place in places} for places in batches]

    def _counted(self, batches: list["_Batch"]) -> MicroBatches:
        sizes = [sum(len(one.window) for one in batch.values()) for batch in batches]
        room = sum(max(size, self._max_tokens) for size in sizes)
        return MicroBatches(number=len(batches), tokens=sum(sizes), room=room)

    def _score(self, batches: list["_Batch"]) -> Iterator[tuple[int, list[Scores]]]:
        """Each input's place, and each task's result for it.

        They come as their micro-batches end, while others are still at work.
        """
        for batch, by_task in zip(batches, self._lanes.map(self._forward, batches), strict=True):
            for place, scores in zip(batch, zip(*by_task, strict=True), strict=True):
                yield place, list(scores)

    @torch.inference_mode()
    def _forward(self, batch: "_Batch") -> list[list[Scores]]:
        """For each task, its result for each of the inputs of one micro-batch."""
        some = list(batch.values())
        tokens = [one.window.ids for one in some]
        adapter_indices = [one.adapter_index for one in some]
        first, encoder = self._tasks[0], self._model.encoder
        if first.generates:
            model = self._model.heads.get(first.architecture)
            return [first.generate(encoder, model, tokens, adapter_indices)]
        places = [one.masked for one in some]
        masks = None if self._mask is None else Masks(places, self._mask)
        packed = encoder.pack(tokens, adapter_indices, masks)
        hidden = encoder(packed)
        scored = [
            task.score(self._model.heads.get(task.architecture), hidden, packed).cpu().numpy()
            for task in self._tasks
        ]
        ends = np.cumsum([len(ids) for ids in tokens])
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


@dataclass(frozen=True)
class _Input:
    """A window for one forward, with the places that the model is not shown."""

    window: Window
    adapter_index: int
    masked: Places


_Batch: TypeAlias = dict[int, _Input]
"""A micro-batch: inputs by their places, counted over all records."""


def _by_record(
    inputs: list[list[_Input]], scored: Iterable[tuple[int, list[Scores]]]
) -> Iterator[tuple[int, list[list[Scores]]]]:
    """Each record's row, and the results for its inputs, once the last of them is there."""
    owners = [row for row, some in enumerate(inputs) for _ in some]
    firsts = list(accumulate((len(some) for some in inputs), initial=0))
    waiting: dict[int, dict[int, list[Scores]]] = {}
    for place, scores in scored:
        row = owners[place]
        there = waiting.setdefault(row, {})
        there[place] = scores
        if len(there) == len(inputs[row]):
            yield row, [there[k] for k in range(firsts[row], firsts[row + 1])]
            del waiting[row]
