"""The date of each record, and the day, month or year that it is in. What is no date is null.

So is a date outside the years 1 to 9999, which Iceberg's readers cannot take.
"""

import datetime
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.tables import Granularity
from pipeline.errors import SchemaError
from pipeline.tables.storable import storable

NO_DATE = "__HIVE_DEFAULT_PARTITION__"
"""Stands for null in the name of a folder; readers of Hive's layout give it back as null."""

_LETTERS = {Granularity.DAY: 10, Granularity.MONTH: 7, Granularity.YEAR: 4}
_ISO = r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"


@dataclass(frozen=True)
class DateRule:
    """One ``day`` for all records, or the output's ``column``."""

    day: datetime.date | None
    column: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of an output to know dates."""
        return (self.column,) if self.column else ()

    def require(self, schema: pa.Schema, uri: str) -> None:
        """Raise SchemaError where the column of ``schema`` can be no date."""
        if self.column is None:
            return
        kind = schema.field(self.column).type
        if not (_is_text(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
            raise SchemaError(
                f"Column {self.column} of {uri} is {kind}; expected dates, timestamps or strings "
                "that begin with a date such as 2026-11-27. Set outputs.<n>.date_column, or "
                "outputs.<n>.date for one date for all."
            )

    def dates(self, rows: pa.Table) -> pa.Array | pa.ChunkedArray:
        """A date32 for each of ``rows``; timestamps count by UTC."""
        if self.column is None:
            return pa.repeat(pa.scalar(self.day, pa.date32()), rows.num_rows)
        values = rows[self.column]
        if _is_text(values.type):
            return _parsed(storable(values, pa.string()))
        if not pa.types.is_timestamp(values.type):
            return storable(values, pa.date32())
        # By the zone UTC, or the day is that of the column's own.
        utc = pa.timestamp(values.type.unit, "UTC" if values.type.tz else None)
        return storable(values, utc).cast(pa.date32(), safe=False)


def date_groups(
    dates: pa.Array | pa.ChunkedArray, granularity: Granularity
) -> pa.Array | pa.ChunkedArray:
    """The day, month or year of each of ``dates``, such as ``2026-11``; ``NO_DATE`` for null."""
    groups = pc.utf8_slice_codeunits(dates.cast(pa.string()), 0, _LETTERS[granularity])
    return pc.fill_null(groups, NO_DATE)


def _is_text(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.DictionaryType):
        return _is_text(kind.value_type)
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _parsed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    begins = pc.match_substring_regex(texts, _ISO)
    days = pc.utf8_slice_codeunits(pc.if_else(begins, texts, None), 0, 10)
    found = pc.strptime(days, format="%Y-%m-%d", unit="s", error_is_null=True).cast(pa.date32())
    # 2026-02-31 parses as a day of March: what does not read back as it was written is no date.
    return storable(pc.if_else(pc.equal(found.cast(pa.string()), days), found, None), pa.date32())
