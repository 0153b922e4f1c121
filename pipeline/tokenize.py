"""The tokenize stage: texts → windows of token ids with their place in the text.

Enters: ``_text``. Leaves: ``n_tokens``, ``n_windows``, ``truncated`` and ``_windows_<k>`` for the
k-th tokenizer of the job. What holds: no text is cut off unless ``runtime.max_windows`` says so,
and then ``truncated`` is true; the counts are those of the first tokenizer, without special tokens
and overlaps; records in quarantine get nulls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
import pyarrow as pa
from transformers import BatchEncoding

from pipeline import schema
from pipeline.errors import ConfigError
from pipeline.settings import RuntimeSettings
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import text_tokens


@dataclass(frozen=True)
class Tokenize:
    """Cuts each text into windows, once for each distinct tokenizer of ``checkpoints``."""

    settings: RuntimeSettings
    checkpoints: tuple[Checkpoint, ...]
    name: str = "tokenize"

    def __post_init__(self) -> None:
        """Raise ConfigError where a model's windows are too short for the overlap."""
        for checkpoint in self.checkpoints:
            length = checkpoint.window_length(self.settings.max_length)
            if self.settings.stride >= length - 2:
                raise ConfigError(
                    f"runtime.stride is {self.settings.stride} and the windows of "
                    f"{checkpoint.folder} hold {length} tokens, 2 of them special; expected a "
                    "stride below the rest. Lower runtime.stride."
                )

    @property
    def consumes(self) -> tuple[str, ...]:
        """The text, and whether a record is still in play."""
        return (schema.TEXT.name, schema.ERROR.name)

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """Counts, and one column of windows a tokenizer."""
        windows = (schema.windows_field(k) for k in range(len(self.checkpoints)))
        return (*schema.TOKEN_FIELDS, *windows)

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with counts and windows."""
        sound = np.flatnonzero(schema.sound(table).to_numpy())
        texts = table[schema.TEXT.name].take(sound).to_pylist()
        counts: list[_Counts] = []
        columns: list[pa.Array] = []
        for checkpoint in self.checkpoints:
            windows = _cut(checkpoint, texts, self.settings)
            counts = counts or windows.counts
            columns.append(_spread(windows.to_arrow(), sound, table.num_rows))
        table = schema.add(table, schema.TOKEN_FIELDS, _count_columns(counts, sound, table))
        for k, column in enumerate(columns):
            table = table.append_column(schema.windows_field(k), column)
        return table


_Counts = tuple[int, int, bool]


@dataclass(frozen=True)
class _Windows:
    """The windows of all texts, flat: ``encoding`` by window, ``bounds`` [texts + 1] into it."""

    encoding: BatchEncoding
    kept: list[int]
    bounds: list[int]
    counts: list[_Counts]

    def to_arrow(self) -> pa.Array:
        """One list of ``schema.WINDOW`` a text."""
        ids = [self.encoding["input_ids"][window] for window in self.kept]
        spans = [self.encoding["offset_mapping"][window] for window in self.kept]
        flat = np.array([span for window in spans for span in window], dtype=np.int32)
        flat = flat.reshape(-1, 2)
        lengths = np.array([0, *accumulate(len(window) for window in ids)], dtype=np.int32)
        values = np.fromiter(chain.from_iterable(ids), dtype=np.int32)
        lists = [
            pa.ListArray.from_arrays(lengths, pa.array(column))
            for column in (values, flat[:, 0].copy(), flat[:, 1].copy())
        ]
        windows = pa.StructArray.from_arrays(lists, fields=list(schema.WINDOW))
        return pa.ListArray.from_arrays(np.array(self.bounds, dtype=np.int32), windows)


def _cut(checkpoint: Checkpoint, texts: list[str], settings: RuntimeSettings) -> _Windows:
    encoding = checkpoint.tokenizer(
        texts or [""],
        truncation=True,
        max_length=checkpoint.window_length(settings.max_length),
        stride=settings.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    by_text: list[list[int]] = [[] for _ in texts]
    for window, text in enumerate(encoding["overflow_to_sample_mapping"] if texts else []):
        by_text[text].append(window)
    kept = [windows[: settings.max_windows] for windows in by_text]
    counts = [
        (
            text_tokens([len(encoding["input_ids"][window]) for window in some], settings.stride),
            len(some),
            len(some) < len(windows),
        )
        for some, windows in zip(kept, by_text, strict=True)
    ]
    bounds = [0, *accumulate(len(some) for some in kept)]
    return _Windows(encoding, list(chain.from_iterable(kept)), bounds, counts)


def _spread(values: pa.Array, rows: np.ndarray, total: int) -> pa.Array:
    """``values`` at ``rows`` of a column of ``total`` rows, null elsewhere."""
    positions = np.full(total, -1, dtype=np.int64)
    positions[rows] = np.arange(len(rows))
    return values.take(pa.array(positions, mask=positions < 0))


def _count_columns(
    counts: Sequence[_Counts],
    rows: np.ndarray,
    table: pa.Table,
) -> list[list[object]]:
    by_row = dict(zip(rows.tolist(), counts, strict=True))
    nothing = (None,) * len(schema.TOKEN_FIELDS)
    return [
        list(column)
        for column in zip(*(by_row.get(i, nothing) for i in range(len(table))), strict=True)
    ]
