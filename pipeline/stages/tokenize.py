"""The tokenize stage: texts → windows of token ids with their offsets in the text.

Enters: ``_text``, ``_question``, ``_choices``, ``_second``. Leaves: ``n_tokens``, ``n_windows``,
``truncated`` and ``_windows_<k>`` for the k-th model input of the job. What holds: no text is cut
unless ``runtime.max_windows`` is set, and then ``truncated`` is true; the counts are of the text
alone, by the first model input's tokenizer, without special tokens and overlaps; records marked for
quarantine get nulls, and so do those of more than ``runtime.max_tokens`` tokens, which this stage
marks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

import numpy as np
import pyarrow as pa

from pipeline.config import RuntimeSettings
from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.errors import ConfigError
from pipeline.stages.stage import add_columns, not_failed, with_failures
from pipeline.tasks.cutter import prefix_tokens
from pipeline.tasks.model_inputs import Asked, Beside, ModelInput, Piece, Read, Unreadable, read
from pipeline.xmod.windows import text_tokens


@dataclass(frozen=True)
class Tokenize:
    """Cuts each text into windows, once for each of ``readings``."""

    settings: RuntimeSettings
    readings: tuple[ModelInput, ...]
    name: str = "tokenize"

    def __post_init__(self) -> None:
        """Raise ConfigError where a model's windows are too short for the overlap."""
        shortest = min(reading.tokenizer.length for reading in self.readings)
        if self.settings.stride >= shortest - 2:
            raise ConfigError(
                f"runtime.stride is {self.settings.stride} and the model's windows hold {shortest} "
                "tokens, 2 of them special; expected a stride below the rest. Lower runtime.stride."
            )

        for reading in self.readings:
            self._require_room(reading)

    def _require_room(self, reading: ModelInput) -> None:
        """Raise ConfigError where a prefix leaves less than half of a window to the text."""
        prefixed = reading.prefix.strip() != ""
        tokens = len(prefix_tokens(reading.tokenizer, reading.prefix)) if prefixed else 0
        most = (reading.tokenizer.length - 2 - self.settings.stride) // 2
        if tokens > most:
            raise ConfigError(
                f"The prefix {reading.prefix!a:.100} has {tokens} tokens; expected at most {most}, "
                "so that half of a window is left to the text. Shorten the task's prefix, or set "
                "runtime.max_length higher or runtime.stride lower."
            )

    @property
    def consumes(self) -> tuple[str, ...]:
        """The text, what is asked of it, and whether a record is still in play."""
        fields = (schema.TEXT, schema.QUESTION, schema.CHOICES, schema.SECOND, schema.ERROR)
        return tuple(field.name for field in fields)

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """Counts, and one column of windows a reading."""
        windows = (schema.windows_field(k) for k in range(len(self.readings)))
        return (*schema.TOKEN_FIELDS, *windows)

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with counts and windows."""
        sound = np.flatnonzero(not_failed(table).to_numpy())
        alone = replace(self.readings[0], beside=Beside.NOTHING, asked=(), prefix="")
        cuts = self._cuts(table.take(sound), dict.fromkeys([alone, *self.readings]))
        shortened = [any(map(self._cuts_off, own)) for own in zip(*cuts.values(), strict=True)]
        counts = self._counts(cuts[alone], shortened, sound, table)
        table = add_columns(table, schema.TOKEN_FIELDS, counts)
        for k, reading in enumerate(self.readings):
            windows = _to_arrow([self._kept(pieces) for pieces in cuts[reading]])
            column = _spread(windows, sound, table.num_rows)
            table = table.append_column(schema.windows_field(k), column)
        for pieces_by_row in cuts.values():
            table = _with_failures(table, sound, pieces_by_row)
        return table

    def _cuts(
        self, table: pa.Table, readings: Iterable[ModelInput]
    ) -> dict[ModelInput, list[Read]]:
        texts = table[schema.TEXT.name].to_pylist()
        beside = (schema.QUESTION, schema.CHOICES, schema.SECOND)
        columns = (table[field.name].to_pylist() for field in beside)
        asked = [Asked(*one) for one in zip(*columns, strict=True)]
        stride = self.settings.stride
        return {
            one: [self._bounded(pieces) for pieces in read(one, texts, asked, stride)]
            for one in readings
        }

    def _bounded(self, pieces: Read) -> Read:
        tokens = sum(len(piece.encoding) for piece in self._kept(pieces))
        if tokens <= self.settings.max_tokens:
            return pieces
        return Unreadable(
            "TooManyTokens",
            f"The record has {tokens} tokens in its windows; expected at most "
            f"{self.settings.max_tokens}. Set runtime.max_tokens higher, or runtime.max_windows to "
            "cut long texts.",
        )

    def _kept(self, pieces: Read) -> list[Piece]:
        if isinstance(pieces, Unreadable):
            return []
        most = self.settings.max_windows
        return [piece for piece in pieces if most is None or piece.number < most]

    def _cuts_off(self, pieces: Read) -> bool:
        return isinstance(pieces, list) and len(self._kept(pieces)) < len(pieces)

    def _counts(
        self, cut: Sequence[Read], shortened: Sequence[bool], rows: np.ndarray, table: pa.Table
    ) -> list[list[object]]:
        nothing = (None,) * len(schema.TOKEN_FIELDS)
        by_row: list[tuple[object, ...]] = [nothing] * table.num_rows
        for row, pieces, short in zip(rows.tolist(), cut, shortened, strict=True):
            if isinstance(pieces, Unreadable):
                continue
            lengths = [len(piece.encoding) for piece in self._kept(pieces)]
            by_row[row] = (text_tokens(lengths, self.settings.stride), len(lengths), short)
        return [[values[k] for values in by_row] for k in range(len(nothing))]


def _to_arrow(by_text: list[list[Piece]]) -> pa.Array:
    """One list of ``schema.WINDOW`` a text."""
    flat = list(chain.from_iterable(by_text))
    lengths = np.array([0, *accumulate(len(piece.encoding) for piece in flat)], dtype=np.int32)
    ids = np.fromiter(chain.from_iterable(piece.encoding.ids for piece in flat), dtype=np.int32)
    offsets = [span for piece in flat for span in piece.spans]
    spans = np.array(offsets, dtype=np.int32).reshape(-1, 2)
    lists = [
        pa.ListArray.from_arrays(lengths, pa.array(values))
        for values in (ids, spans[:, 0].copy(), spans[:, 1].copy())
    ]
    choices = pa.array([piece.choice for piece in flat], pa.int32())
    windows = pa.StructArray.from_arrays([*lists, choices], fields=list(schema.WINDOW))
    bounds = [0, *accumulate(len(some) for some in by_text)]
    return pa.ListArray.from_arrays(np.array(bounds, dtype=np.int32), windows)


def _spread(values: pa.Array, rows: np.ndarray, total: int) -> pa.Array:
    """``values`` at ``rows`` of a column of ``total`` rows, null elsewhere."""
    positions = np.full(total, -1, dtype=np.int64)
    positions[rows] = np.arange(len(rows))
    return values.take(pa.array(positions, mask=positions < 0))


def _with_failures(table: pa.Table, rows: np.ndarray, cut: Sequence[Read]) -> pa.Table:
    """``table`` with the records in quarantine that could not be read so."""
    failures: list[Failure | None] = [None] * table.num_rows
    for row, pieces in zip(rows.tolist(), cut, strict=True):
        if isinstance(pieces, Unreadable):
            failures[row] = Failure("tokenize", pieces.error_type, pieces.message)
    return with_failures(table, failures) if any(failures) else table
