"""One checkpoint at work: documents → what its tasks say of them, one forward for all.

Enters: documents, and the language of each of their windows. Leaves: a value for each field of the
tasks. What holds: the model is loaded once, when the engine is made; a record's result does not
depend on the records beside it; records are decoded while others are at work.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain, islice

import numpy as np
import torch

from pipeline.settings import RuntimeSettings, TaskSettings
from pipeline.tasks import make_task
from pipeline.tasks.task import NOWHERE, Document, Places, Scores
from pipeline.xmod.adapters import Adapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import Checkpoint, reopen_checkpoint
from pipeline.xmod.lanes import Lanes
from pipeline.xmod.loading import load_model
from pipeline.xmod.packed import Masks
from pipeline.xmod.windows import Window


@dataclass(frozen=True)
class Workload:
    """The tasks that share a checkpoint's forward, and which of the job's readings they have."""

    checkpoint: Checkpoint
    reading: int
    tasks: tuple[TaskSettings, ...]


class Engine:
    """One checkpoint on a device: an encoder and a head for each of its tasks."""

    def __init__(
        self, workload: Workload, adapters: Adapters, runtime: RuntimeSettings, lanes: Lanes
    ) -> None:
        checkpoint = reopen_checkpoint(workload.checkpoint, workload.tasks[0].model)
        self.reading = workload.reading
        self._tasks = [make_task(settings, checkpoint) for settings in workload.tasks]
        self.fields = tuple(field for task in self._tasks for field in task.fields)
        classes = dict.fromkeys(task.model_class for task in self._tasks)
        self._model = load_model(checkpoint, classes, adapters, runtime)
        self._adapters = adapters
        self._lanes = lanes
        self._max_tokens = runtime.batch_tokens
        masking = any(task.masks for task in self._tasks)
        self._mask = checkpoint.mask_id if masking else None

    def annotate(
        self, documents: Sequence[Document], languages: Sequence[Sequence[str | None]]
    ) -> list[tuple[object, ...]]:
        """One value a field for each of ``documents``; ``languages`` are those of their windows."""
        lang_ids = iter(self._adapters.lang_ids(list(chain.from_iterable(languages))))
        inputs = [list(self._inputs(document, lang_ids)) for document in documents]
        values: dict[int, tuple[object, ...]] = {}
        for row, scores in _by_record(inputs, self._score(inputs)):
            values[row] = self._decode(documents[row], scores)
        return [values[row] for row in range(len(documents))]

    def _inputs(self, document: Document, lang_ids: Iterator[int]) -> Iterator["_Input"]:
        """The forwards of a record; tasks that share them mask alike."""
        own = list(islice(lang_ids, len(document.windows)))
        first = self._tasks[0]
        if first.generates:
            yield _Input(first.prompt(document), own[-1], NOWHERE)
            return
        for window, lang_id in zip(document.windows, own, strict=True):
            for places in first.masked(window):
                yield _Input(window, lang_id, places)

    def _score(self, inputs: list[list["_Input"]]) -> Iterator[tuple[int, list[Scores]]]:
        """Each input's place, counted over all records, and each task's result for it.

        They come as their micro-batches end, while others are still at work.
        """
        flat = list(chain.from_iterable(inputs))
        lengths, lang_ids = [len(one.window) for one in flat], [one.lang_id for one in flat]
        batches = list(micro_batches(lengths, lang_ids, self._max_tokens, self._lanes.number))
        forward = partial(self._forward, flat)
        for batch, by_task in zip(batches, self._lanes.map(forward, batches), strict=True):
            for place, scores in zip(batch, zip(*by_task, strict=True), strict=True):
                yield place, list(scores)

    @torch.inference_mode()
    def _forward(self, inputs: list["_Input"], batch: list[int]) -> list[list[Scores]]:
        """For each task, its result for each of the inputs at ``batch``, one micro-batch."""
        some = [inputs[i] for i in batch]
        tokens = [one.window.ids for one in some]
        lang_ids = [one.lang_id for one in some]
        first, encoder = self._tasks[0], self._model.encoder
        if first.generates:
            model = self._model.heads.get(first.model_class)
            return [first.generate(encoder, model, tokens, lang_ids)]
        places = [one.masked for one in some]
        masks = None if self._mask is None else Masks(places, self._mask)
        packed = encoder.pack(tokens, lang_ids, masks)
        hidden = encoder(packed)
        scored = [
            task.score(self._model.heads.get(task.model_class), hidden, packed).cpu().numpy()
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
    lang_id: int
    masked: Places


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
