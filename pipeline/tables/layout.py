"""Which file each row goes to.

Enters: a tally, and the files that a table has. Leaves: the files that have to go, and for each row
its partition and the number of its file there. What holds: a partition that gets rows has as many
files as its bytes ask for and no more: what small files it had is written again together with what
comes. Files that hold rows of an output that is replaced go, and the rows of other outputs in them
are written again.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.tables import Granularity, LayoutSettings
from pipeline.tables.columns import GROUP
from pipeline.tables.dates import date_groups
from pipeline.tables.table_files import Partition, TableFile

OTHER = "other"
"""The group of languages that have few records in a span of dates."""

FILE = pa.field("_file", pa.string())
"""Partition and number of the file that a row goes to, as one key to group by."""

_SEPARATOR = "/"
_SMALL = 2
"""A file smaller than the target by this factor is written again when its partition gets rows."""


@dataclass(frozen=True)
class Layout:
    """Where rows of one table go: ``groups`` by (dates, language), ``files`` by partition."""

    dates: Granularity
    groups: dict[tuple[str, str], str]
    files: dict[Partition, int]

    def placed(self, rows: pa.Table, first: int) -> pa.Table:
        """``rows`` with their group and ``FILE``; they are dealt out to files from ``first`` on."""
        spans = date_groups(rows["date"], self.dates)
        pairs = pc.binary_join_element_wise(spans, rows["language"], _SEPARATOR)
        encoded = pa.chunked_array([pairs]).combine_chunks().dictionary_encode()
        partitions = [self._partition(pair) for pair in encoded.dictionary.to_pylist()]
        groups = pa.array([partition.group for partition in partitions], GROUP.type)
        rows = _set(rows, GROUP, groups.take(encoded.indices))
        return _set(rows, FILE, self._keys(partitions, encoded.indices, first))

    def again(self, rows: pa.Table, partition: Partition) -> pa.Table:
        """``rows`` of a file in ``partition`` with ``FILE``; they stay in their partition."""
        indices = pa.array(np.zeros(rows.num_rows, np.int32))
        rows = _set(rows, GROUP, pa.repeat(pa.scalar(partition.group, GROUP.type), rows.num_rows))
        return _set(rows, FILE, self._keys([partition], indices, 0))

    def _partition(self, pair: str) -> Partition:
        span, _, language = pair.partition(_SEPARATOR)
        return Partition(span, self.groups[span, language])

    def _keys(self, partitions: list[Partition], indices: pa.Array, first: int) -> pa.Array:
        counts = np.array([self.files.get(partition, 1) for partition in partitions], np.int64)
        places = indices.to_numpy(zero_copy_only=False)
        dealt = (first + np.arange(len(places))) % counts[places] if len(places) else places
        names = pa.array([str(partition) for partition in partitions], pa.string())
        return pc.binary_join_element_wise(
            names.take(indices), pa.array(dealt, pa.int64()).cast(pa.string()), _SEPARATOR
        )


@dataclass(frozen=True)
class Change:
    """What a run does to the files of one table.

    ``gone`` leave it; of these, ``again`` hold rows that are written to new files.
    """

    layout: Layout
    gone: tuple[TableFile, ...]
    again: tuple[TableFile, ...]


def place_of(key: str) -> tuple[Partition, int]:
    """The partition and the number of the file that ``FILE`` says."""
    partition, _, number = key.rpartition(_SEPARATOR)
    return Partition.parse(partition), int(number)


def plan_change(
    table: str,
    tally: pa.Table,
    standing: Iterable[TableFile],
    replaced: Collection[str],
    settings: LayoutSettings,
) -> Change:
    """What becomes of ``table`` when rows of ``tally`` come in place of those ``replaced``."""
    groups, coming = _folded(table, tally, settings)
    standing = tuple(standing)
    gone = tuple(
        file
        for file in standing
        if not file.rows
        or file.may_hold(replaced)
        or (file.partition in coming and file.bytes * _SMALL < settings.target_bytes)
    )
    again = tuple(file for file in gone if file.rows and not file.holds_only(replaced))
    sizes = Counter(coming)
    for file in again:
        sizes[file.partition] += file.bytes
    files = {place: max(1, math.ceil(n / settings.target_bytes)) for place, n in sizes.items()}
    return Change(Layout(settings.dates, groups, files), gone, again)


def _folded(
    table: str, tally: pa.Table, settings: LayoutSettings
) -> tuple[dict[tuple[str, str], str], dict[Partition, float]]:
    """The group of each language in each span of dates, and the bytes that come to partitions."""
    counted = tally.filter(pc.greater(tally["records"], 0))
    counted = counted.append_column("span", date_groups(counted["date"], settings.dates))
    sums = counted.group_by(["span", "language"], use_threads=False).aggregate(
        [("records", "sum"), (f"{table}_bytes", "sum")]
    )
    groups: dict[tuple[str, str], str] = {}
    coming: Counter[Partition] = Counter()
    for row in sums.to_pylist():
        language = row["language"] if row["records_sum"] >= settings.min_rows else OTHER
        groups[row["span"], row["language"]] = language
        if row[f"{table}_bytes_sum"] > 0:  # else the output has nothing for this table
            coming[Partition(row["span"], language)] += row[f"{table}_bytes_sum"]
    return groups, dict(coming)


def _set(rows: pa.Table, field: pa.Field, values: pa.Array) -> pa.Table:
    if field.name in rows.column_names:
        return rows.set_column(rows.column_names.index(field.name), field, values)
    return rows.append_column(field, values)
