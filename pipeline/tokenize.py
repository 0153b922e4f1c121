"""The tokenize stage: texts → windows of token ids with their place in the text.

Enters: ``_text``. Leaves: ``n_tokens``, ``n_windows``, ``truncated`` and ``_windows_<k>`` for the
k-th tokenizer of the job. What holds: no text is cut off unless ``runtime.max_windows`` says so,
and then ``truncated`` is true; the counts are those of the first tokenizer, without special tokens
and overlaps; records in quarantine get nulls.

Neither torch nor transformers is imported here: the processes that read and tokenize start sooner
and stay smaller without them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain

import numpy as np
import pyarrow as pa
from tokenizers import Encoding, Tokenizer

from pipeline import schema
from pipeline.errors import ConfigError
from pipeline.settings import RuntimeSettings
from pipeline.xmod.windows import WindowTokenizer, text_tokens


@dataclass(frozen=True)
class Tokenize:
    """Cuts each text into windows, once for each of ``tokenizers``."""

    settings: RuntimeSettings
    tokenizers: tuple[WindowTokenizer, ...]
    name: str = "tokenize"

    def __post_init__(self) -> None:
        """Raise ConfigError where a model's windows are too short for the overlap."""
        shortest = min(tokenizer.length for tokenizer in self.tokenizers)
        if self.settings.stride >= shortest - 2:
            raise ConfigError(
                f"runtime.stride is {self.settings.stride} and the model's windows hold {shortest} "
                "tokens, 2 of them special; expected a stride below the rest. Lower runtime.stride."
            )

    @property
    def consumes(self) -> tuple[str, ...]:
        """The text, and whether a record is still in play."""
        return (schema.TEXT.name, schema.ERROR.name)

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """Counts, and one column of windows a tokenizer."""
        windows = (schema.windows_field(k) for k in range(len(self.tokenizers)))
        return (*schema.TOKEN_FIELDS, *windows)

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with counts and windows."""
        sound = np.flatnonzero(schema.sound(table).to_numpy())
        texts = table[schema.TEXT.name].take(sound).to_pylist()
        cuts = [_cut(tokenizer, texts, self.settings) for tokenizer in self.tokenizers]
        counts = _count_columns(cuts[0].counts, sound, table)
        table = schema.add(table, schema.TOKEN_FIELDS, counts)
        for k, windows in enumerate(cuts):
            column = _spread(windows.to_arrow(), sound, table.num_rows)
            table = table.append_column(schema.windows_field(k), column)
        return table


_Counts = tuple[int, int, bool]


@dataclass(frozen=True)
class _Windows:
    """The windows of each text, and what is to say of them."""

    by_text: list[list[Encoding]]
    counts: list[_Counts]

    def to_arrow(self) -> pa.Array:
        """One list of ``schema.WINDOW`` a text."""
        flat = list(chain.from_iterable(self.by_text))
        lengths = np.array([0, *accumulate(len(window) for window in flat)], dtype=np.int32)
        ids = np.fromiter(chain.from_iterable(window.ids for window in flat), dtype=np.int32)
        offsets = [span for window in flat for span in window.offsets]
        spans = np.array(offsets, dtype=np.int32).reshape(-1, 2)
        lists = [
            pa.ListArray.from_arrays(lengths, pa.array(values))
            for values in (ids, spans[:, 0].copy(), spans[:, 1].copy())
        ]
        windows = pa.StructArray.from_arrays(lists, fields=list(schema.WINDOW))
        bounds = [0, *accumulate(len(some) for some in self.by_text)]
        return pa.ListArray.from_arrays(np.array(bounds, dtype=np.int32), windows)


def _cut(tokenizer: WindowTokenizer, texts: list[str], settings: RuntimeSettings) -> _Windows:
    encodings = _loaded(tokenizer, settings.stride).encode_batch(texts)
    every = [[encoding, *encoding.overflowing] for encoding in encodings]
    kept = [windows[: settings.max_windows] for windows in every]
    counts = [
        (
            text_tokens([len(window) for window in some], settings.stride),
            len(some),
            len(some) < len(windows),
        )
        for some, windows in zip(kept, every, strict=True)
    ]
    return _Windows(kept, counts)


@cache
def _loaded(tokenizer: WindowTokenizer, stride: int) -> Tokenizer:
    loaded = Tokenizer.from_str(tokenizer.definition)
    loaded.no_padding()
    loaded.enable_truncation(tokenizer.length, stride=stride)
    return loaded


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
    nothing = (None,) * len(schema.TOKEN_FIELDS)
    by_row: list[tuple[object, ...]] = [nothing] * table.num_rows
    for row, values in zip(rows.tolist(), counts, strict=True):
        by_row[row] = values
    return [[values[k] for values in by_row] for k in range(len(nothing))]
