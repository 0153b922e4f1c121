"""The read stage: a unit of the corpus → a block, behind the schema check.

Enters: a ``Unit`` and the planned columns. Leaves: the kept columns and ``schema.READ_FIELDS``;
texts travel once, as ``_text``. What holds: a file other than the planned one is refused; a record
that cannot be used is marked for quarantine, never dropped.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import InputSettings
from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.corpus.dictionaries import columns_out_of_bounds
from pipeline.corpus.input_schema import InputColumns, gate, open_parquet, require_planned
from pipeline.corpus.odd_values import with_utf8_dictionaries
from pipeline.corpus.records import record_columns
from pipeline.errors import DamagedError, InputError, TooLargeError
from pipeline.stages.stage import not_failed
from pipeline.stages.stopwatch import timed
from pipeline.storage import open_input

_BATCH_ROWS = 1024
_UNFOLDED = 16
"""How many times ``unit_bytes`` a unit may take once decoded: more is a decompression bomb."""


@dataclass(frozen=True)
class Reader:
    """Reads units of one corpus."""

    columns: InputColumns
    settings: InputSettings
    unit_bytes: int

    @property
    def max_bytes(self) -> int:
        """What a unit may take in memory."""
        return _UNFOLDED * self.unit_bytes

    def __call__(self, unit: Unit) -> pa.Table:
        """The unit's block, and what reading it took."""
        return timed("read", lambda: read_unit(unit, self.columns, self.settings, self.max_bytes))


def read_unit(
    unit: Unit, columns: InputColumns, settings: InputSettings, max_bytes: int
) -> pa.Table:
    """The unit's rows with their kept columns and ``schema.READ_FIELDS``.

    Of a record that is refused here its place and its id are kept, and nothing that may be large.
    Raises SchemaError where the file's columns are not those planned, DamagedError where its bytes
    are no Parquet, TooLargeError where its rows unfold beyond bounds, and InputError where it
    cannot be had.
    """
    source = unit.source
    with open_input(source) as file:
        try:
            parquet = open_parquet(file, source.uri)
            seen = gate(parquet.schema_arrow, settings, source.uri)
            require_planned(seen, columns.planned, source.uri)
            rows = rows_of(parquet, unit, columns.planned.names, max_bytes)
        except (pa.ArrowException, OSError) as error:
            if not _is_arrows(error):
                raise
            raise DamagedError(
                f"{source.uri} cannot be read: {error}. Mend or remove the file, or start the job "
                "with --allow-bad-files."
            ) from error
    return block_of(rows, unit, columns, settings)


def block_of(
    rows: pa.Table, unit: Unit, columns: InputColumns, settings: InputSettings
) -> pa.Table:
    """The block of a unit's ``rows``; its texts are in ``_text`` and in no kept column."""
    kept = [
        (field, with_utf8_dictionaries(_as_type(rows[name], field.type)))
        for (name, _), field in zip(columns.kept, columns.fields, strict=True)
        if name != settings.text_column
    ]
    names = [name for name, _ in columns.kept if name != settings.text_column]
    records = record_columns(rows, unit, settings, names)
    fields, values = zip(*kept, *records, strict=True)
    return _without_refused(pa.Table.from_arrays(values, schema=pa.schema(fields)))


def rows_of(parquet: pq.ParquetFile, unit: Unit, names: list[str], max_bytes: int) -> pa.Table:
    """The unit's rows of columns ``names``, read batch by batch.

    A bomb is thus noticed before it fills the memory: TooLargeError. Raises DamagedError where rows
    are missing or point beyond their dictionary.
    """
    groups, skip = _row_groups(parquet.metadata, unit)
    taken: list[pa.RecordBatch] = []
    seen, size = 0, 0
    at_once = _rows_at_once(parquet.metadata, groups, max_bytes)
    for batch in parquet.iter_batches(at_once, row_groups=groups, columns=names):
        part = batch.slice(max(0, skip - seen), max(0, skip + unit.rows - max(seen, skip)))
        seen += batch.num_rows
        size += part.nbytes
        if size > max_bytes:
            raise TooLargeError(
                f"{unit.source.uri}: rows {unit.start} to {unit.stop} take more than {max_bytes} "
                "bytes in memory. Set runtime.unit_rows lower or runtime.unit_bytes higher."
            )
        if part.num_rows:
            taken.append(part)
        if seen >= skip + unit.rows:
            break
    if sum(part.num_rows for part in taken) != unit.rows:
        raise DamagedError(
            f"{unit.source.uri} ends before row {unit.stop}, which its footer promises. Mend or "
            "remove the file, or start the job with --allow-bad-files."
        )
    rows = pa.Table.from_batches(taken).select(names)
    if broken := columns_out_of_bounds(rows):
        raise DamagedError(
            f"{unit.source.uri} is damaged: rows {unit.start} to {unit.stop} of {', '.join(broken)}"
            " point beyond their dictionary. Mend or remove the file, or start the job with "
            "--allow-bad-files."
        )
    return rows


def _as_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


_PLACES = (schema.RECORD_ID, schema.UNIT, schema.ROW, schema.ERROR)


def _without_refused(block: pa.Table) -> pa.Table:
    """``block`` with nulls for what there is of records that are not annotated."""
    sound = not_failed(block)
    if pc.all(sound).as_py():
        return block
    places = pc.if_else(sound, pa.array(range(block.num_rows)), None)
    for place, field in enumerate(block.schema):
        if field not in _PLACES:
            block = block.set_column(place, field, block[place].take(places))
    return block


def _is_arrows(error: Exception) -> bool:
    """Whether Arrow raised ``error`` at the bytes that it got, and not the store at reading them.

    Arrow says OSError of damaged pages too, but without an error number.
    """
    if isinstance(error, pa.ArrowException) and not isinstance(error, OSError):
        return True
    return type(error) is OSError and error.errno is None


def _rows_at_once(metadata: pq.FileMetaData, groups: list[int], max_bytes: int) -> int:
    """Rows to unfold before their size is looked at: so few that one batch is no bomb.

    A string can be no longer than its row group, but each row may repeat it. (By its column's part
    of the group there would be more rows at once; but to ask for a column's metadata ends the
    process where these are damaged.)
    """
    largest: int = max((metadata.row_group(group).total_byte_size for group in groups), default=0)
    return min(_BATCH_ROWS, max(1, max_bytes // max(1, largest)))


def _row_groups(metadata: pq.FileMetaData, unit: Unit) -> tuple[list[int], int]:
    """The row groups that hold the unit, and how many of their rows come before it."""
    groups: list[int] = []
    skip, position = 0, 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if position + rows > unit.start and position < unit.stop:
            if not groups:
                skip = unit.start - position
            groups.append(group)
        position += rows
    if position < unit.stop:
        raise InputError(f"{unit.source.uri} has {position} rows; the plan expected {unit.stop}.")
    return groups, skip
