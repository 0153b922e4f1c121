"""The annotate stage: windows → the columns of the tasks, one forward per encoder.

Enters: ``_windows_<k>``, ``xmod_language``, ``_text``, and ``_segments`` with
``language.per_window``. Leaves: the columns of the tasks. What holds: models are loaded once, when
the stage is made; tasks of one encoder share its forward; a record's result does not depend on
the other records of its batch; records marked for quarantine get nulls.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import RuntimeSettings
from pipeline.contract import schema
from pipeline.stages.engine import Engine, load_models, on_this_machine
from pipeline.stages.measures import MicroBatches
from pipeline.stages.stage import add_columns, not_failed
from pipeline.stages.stopwatch import row_shares
from pipeline.stages.workload import Workload
from pipeline.tasks.task import Document
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.lanes import Lanes
from pipeline.xmod.windows import Window


class Annotate:
    """Runs every workload over a block with the ``adapters`` that it needs."""

    name = "annotate"

    def __init__(
        self, workloads: Sequence[Workload], adapters: LoadedAdapters, runtime: RuntimeSettings
    ) -> None:
        lanes = Lanes(runtime.lanes)
        here = [on_this_machine(workload) for workload in workloads]
        models = load_models(here, adapters, runtime)
        self._engines = [
            Engine(workload, models[workload.encoder], adapters, runtime, lanes)
            for workload in here
        ]
        self._stride = runtime.stride

    @property
    def consumes(self) -> tuple[str, ...]:
        """Text, adapter, windows."""
        windows = {schema.windows_field(engine.reading).name for engine in self._engines}
        return (schema.TEXT.name, schema.ERROR.name, "xmod_language", *sorted(windows))

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """The tasks' columns, and what the models had to do for them."""
        fields = (field for engine in self._engines for field in engine.fields)
        return (*fields, schema.BATCHES)

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with the columns of all tasks."""
        sound = np.flatnonzero(not_failed(table).to_numpy())
        batches = MicroBatches()
        for engine in self._engines:
            values, own = (
                self._values(engine, table.take(sound)) if len(sound) else ([], MicroBatches())
            )
            batches += own
            nothing = (None,) * len(engine.fields)
            rows: list[tuple[object, ...]] = [nothing] * table.num_rows
            for row, value in zip(sound.tolist(), values, strict=True):
                rows[row] = value
            columns = [[row[k] for row in rows] for k in range(len(nothing))]
            table = add_columns(table, engine.fields, columns)
        shares = row_shares(batches.model_dump(), schema.BATCHES.type, table.num_rows)
        return table.append_column(schema.BATCHES, shares)

    def _values(
        self, engine: Engine, table: pa.Table
    ) -> tuple[list[tuple[object, ...]], MicroBatches]:
        windows = _windows(table[schema.windows_field(engine.reading).name])
        texts = table[schema.TEXT.name].to_pylist()
        documents = [
            Document(text, some, self._stride) for text, some in zip(texts, windows, strict=True)
        ]
        return engine.annotate(documents, list(window_languages(table, windows)))


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
    columns = [structs.field(name) for name in ("input_ids", "starts", "ends")]
    ids, starts, ends = (column.values.to_numpy() for column in columns)
    bounds = pairwise(columns[0].offsets.to_numpy())
    flat = (
        Window(ids[begin:end], starts[begin:end], ends[begin:end], choice)
        for (begin, end), choice in zip(bounds, structs.field("choice").to_pylist(), strict=True)
    )
    counts = pc.list_value_length(lists).to_pylist()
    return [list(islice(flat, count)) for count in counts]
