"""The annotate stage: windows → the columns of the tasks, one forward a checkpoint.

Enters: ``_windows_<k>``, ``xmod_language``, ``_text``. Leaves: the columns of the tasks. What
holds: models are loaded once, when the stage is made; tasks of one checkpoint share its forward; a
record's result does not depend on the records beside it; records in quarantine get nulls.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline import schema
from pipeline.settings import RuntimeSettings, TaskSettings
from pipeline.tasks import make_task
from pipeline.tasks.task import Document, Scores
from pipeline.xmod.adapters import checked_lang_ids
from pipeline.xmod.batching import micro_batches, padded
from pipeline.xmod.checkpoint import Checkpoint, reopen_checkpoint
from pipeline.xmod.loading import TORCH_DTYPES, device_for, load_model
from pipeline.xmod.windows import Window


@dataclass(frozen=True)
class Workload:
    """The tasks that share one checkpoint, and the position of its tokenizer among the job's."""

    checkpoint: Checkpoint
    tokenizer: int
    tasks: tuple[TaskSettings, ...]


class Annotate:
    """Runs every workload over a block; ``languages`` are the adapters that are loaded."""

    name = "annotate"

    def __init__(
        self, workloads: Sequence[Workload], languages: Sequence[str], runtime: RuntimeSettings
    ) -> None:
        torch.set_num_threads(max(1, int(runtime.cpus_per_actor)))
        # Subnormal numbers in softmax tails cost CPUs tens of times a normal one.
        torch.set_flush_denormal(True)
        self._engines = [_Engine(workload, languages, runtime) for workload in workloads]

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
        self, workload: Workload, languages: Sequence[str], runtime: RuntimeSettings
    ) -> None:
        checkpoint = reopen_checkpoint(workload.checkpoint, workload.tasks[0].model)
        self.tokenizer = workload.tokenizer
        self._tasks = [make_task(settings, checkpoint) for settings in workload.tasks]
        self.fields = tuple(field for task in self._tasks for field in task.fields)
        self._device = device_for(runtime)
        dtype = TORCH_DTYPES[runtime.arithmetic]
        classes = {task.model_class for task in self._tasks}
        # A model with a head has the encoder in it, so that a bare one is loaded only if alone.
        models = {
            model_class: load_model(
                checkpoint, model_class, languages, device=self._device, dtype=dtype
            )
            for model_class in (classes - {XmodModel} or classes)
        }
        self._models = [models.get(task.model_class) for task in self._tasks]
        self._encoder = next(iter(models.values())).base_model
        self._ids = {code: i for i, code in enumerate(languages)}
        self._padding_id = checkpoint.tokenizer.pad_token_id
        self._max_tokens = runtime.max_batch_tokens
        self._stride = runtime.stride

    def annotate(self, table: pa.Table) -> list[tuple[object, ...]]:
        """One value a field for each record of ``table``."""
        windows = _windows(table[schema.windows_field(self.tokenizer).name])
        flat = list(chain.from_iterable(windows))
        lang_ids = checked_lang_ids(table["xmod_language"].to_pylist(), self._ids)
        by_window = [lang_id for lang_id, some in zip(lang_ids, windows, strict=True) for _ in some]
        scores = self._score(flat, by_window)
        documents = zip(table[schema.TEXT.name].to_pylist(), windows, strict=True)
        return [
            self._decode(Document(text, some, self._stride), [next(scores) for _ in some])
            for text, some in documents
        ]

    def _score(self, windows: list[Window], lang_ids: list[int]) -> Iterator[list[Scores]]:
        """For each window, each task's result; in the order of ``windows``."""
        results: list[list[Scores]] = [[] for _ in windows]
        for batch in micro_batches([len(w) for w in windows], lang_ids, self._max_tokens):
            tokens = [windows[i].ids for i in batch]
            routed = torch.tensor([lang_ids[i] for i in batch], dtype=torch.int64)
            for scored, per_token in self._forward(tokens, routed):
                for row, position in enumerate(batch):
                    values = scored[row, : len(windows[position])] if per_token else scored[row]
                    results[position].append(values)
        return iter(results)

    @torch.inference_mode()
    def _forward(
        self,
        tokens: list[np.ndarray],
        lang_ids: torch.Tensor,
    ) -> list[tuple[Scores, bool]]:
        """Each task's result for one micro-batch, and whether it has a token axis."""
        ids, mask = (tensor.to(self._device) for tensor in padded(tokens, self._padding_id))
        output = self._encoder(
            input_ids=ids, attention_mask=mask, lang_ids=lang_ids.to(self._device)
        )
        hidden = output.last_hidden_state
        scored = [
            task.score(model, hidden, mask)
            for task, model in zip(self._tasks, self._models, strict=True)
        ]
        return [(scores.cpu().numpy(), scores.dim() == 3) for scores in scored]

    def _decode(self, document: Document, scores: list[list[Scores]]) -> tuple[object, ...]:
        values = (
            task.decode(document, by_window)
            for task, by_window in zip(self._tasks, zip(*scores, strict=True), strict=True)
        )
        return tuple(chain.from_iterable(values))


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
