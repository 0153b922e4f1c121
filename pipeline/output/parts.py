"""The Parquet bytes of a unit's part and quarantine.

The same rows give the same bytes. A part's footer names its unit and the rows that it leaves out.
Bytes are read back before they are written to the store.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.errors import PublishError

UNIT_KEY, LEFT_OUT_KEY = b"unit_id", b"quarantined_rows"
"""The keys of a part's footer: the unit's id, and a JSON list of row numbers in the input file."""


_DELETE = "Delete it and run the job again, which publishes the unit anew."


@dataclass(frozen=True)
class Part:
    """A unit's annotated records: the file, its rows, and the rows that are not among them."""

    body: bytes
    table: pa.Table
    left_out: tuple[int, ...]


@dataclass(frozen=True)
class Quarantine:
    """A unit's other records: the file, and its rows as ``QUARANTINE``."""

    body: bytes
    table: pa.Table

    @property
    def rows(self) -> tuple[int, ...]:
        """Their row numbers in the input file."""
        return tuple(self.table["row"].to_pylist())

    @property
    def reasons(self) -> dict[str, int]:
        """Rows by ``error_type``."""
        return dict(sorted(Counter(self.table["error_type"].to_pylist()).items()))


def published(table: pa.Table, declared: pa.Schema) -> pa.Table:
    """The columns of ``table`` that leave, in the order and with the types of ``declared``.

    Columns may be missing where there are no rows: a unit that cannot be read has none.
    """
    if not table.num_rows:
        return declared.remove_metadata().empty_table()
    seen = [name for name in table.column_names if not name.startswith("_")]
    if set(seen) != set(declared.names):
        raise PublishError(
            f"A block has columns {', '.join(sorted(seen))}; the output has "
            f"{', '.join(sorted(declared.names))}. A stage produces other columns than it declares."
        )
    return pa.table([_cast(table[field.name], field) for field in declared], declared)


def build_part(table: pa.Table, unit: Unit, left_out: Iterable[int]) -> Part:
    """The part with the rows of ``table``, which is ``published``."""
    footer = {UNIT_KEY: unit.unit_id.encode(), LEFT_OUT_KEY: json.dumps(list(left_out)).encode()}
    body = _parquet(table, footer)
    part = read_part(body, "the part just built", unit, table.schema)
    if not part.table["record_id"].equals(table["record_id"]):
        raise PublishError(f"The part of unit {unit.unit_id} does not read back as written.")
    return part


def read_part(body: bytes, name: str, unit: Unit, declared: pa.Schema) -> Part:
    """The part in ``body``, called ``name`` in errors; PublishError if it is not one of ``unit``.

    Types are compared before any value is touched: a file that someone else put there may hold
    extension types whose values run code when they are converted.
    """
    table = _read(body, name, declared)
    left_out = _left_out(table.schema.metadata or {}, name, unit)
    if table.num_rows + len(left_out) != unit.rows:
        raise PublishError(
            f"{name} has {table.num_rows} rows and leaves out {len(left_out)}; the unit has "
            f"{unit.rows}. {_DELETE}"
        )
    return Part(body, table.replace_schema_metadata(), left_out)


def build_quarantine(table: pa.Table) -> Quarantine:
    """The quarantine file with the rows of ``table``, of schema ``QUARANTINE``."""
    return read_quarantine(_parquet(table, {}), "the quarantine just built")


def read_quarantine(body: bytes, name: str) -> Quarantine:
    """The quarantine in ``body``; PublishError if it is none."""
    return Quarantine(body, _read(body, name, schema.QUARANTINE))


def _parquet(table: pa.Table, footer: dict[bytes, bytes]) -> bytes:
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema.remove_metadata(), compression="zstd") as writer:
        writer.write_table(table.replace_schema_metadata())
        if footer:
            writer.add_key_value_metadata(footer)
    return sink.getvalue()


def _read(body: bytes, name: str, declared: pa.Schema) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        if file.schema_arrow.equals(declared):
            return file.read()
    except (pa.ArrowException, OSError) as error:
        raise PublishError(f"{name} cannot be read as Parquet. {_DELETE}") from error
    raise PublishError(
        f"{name} has columns {_summary(file.schema_arrow)}; expected {_summary(declared)}. "
        f"{_DELETE}"
    )


def _left_out(footer: dict[bytes, bytes], name: str, unit: Unit) -> tuple[int, ...]:
    if footer.get(UNIT_KEY) == unit.unit_id.encode():
        try:
            return tuple(int(row) for row in json.loads(footer[LEFT_OUT_KEY]))
        except (KeyError, TypeError, ValueError):
            pass
    raise PublishError(f"{name} is not the part of unit {unit.unit_id}. {_DELETE}")


def _summary(fields: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in fields)


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """``column`` with the type of ``field``; the error names types, as values may be text."""
    try:
        return column if column.type == field.type else column.cast(field.type)
    except pa.ArrowException:
        raise PublishError(
            f"Column {field.name} of a block is {column.type} and has values that are no "
            f"{field.type}. The stage that adds it must produce what it declares."
        ) from None
