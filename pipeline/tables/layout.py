"""Which file each row goes to, and which files of a table are rewritten.

Enters: a tally, and the files that a table has. Leaves: the files that go, and for each row its
partition and the number of its file there. What holds: a partition that gets rows has as many files
as its bytes ask for: its small files are rewritten together with the new rows. Files with rows of
an output that is replaced go, and the rows of other outputs in them are written again.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.tables import Granularity, LayoutSettings
from pipeline.tables.columns import GROUP
from pipeline.tables.data_files import TableFile
from pipeline.tables.dates import date_groups

OTHER = "other"
"""The group of languages that have few records in a day, month or year."""

FILE = pa.field("_file", pa.string())
"""Partition and number of the file that a row goes to, as one key to group by."""

_SMALL = 2
"""A file smaller than the target by this factor is rewritten when its partition gets rows."""


@dataclass(frozen=True)
class Layout:
    """Where rows of one table go.

    ``groups`` holds the language group by ``<dates>/<language>``, ``files`` the number of files by
    partition, ``<dates>/<group>``.
    """

    dates: Granularity
    groups: Mapping[str, str]
    files: Mapping[str, int]

    def placed(self, rows: pa.Table, first: int) -> pa.Table:
        """``rows`` with their group and ``FILE``; they are dealt out to files from ``first`` on.

        Rows that have a group keep it: they were in the table before.
        """
        dates = pa.chunked_array([date_groups(rows["date"], self.dates)], pa.string())
        own = _looked_up(self.groups, _joined(dates, rows["language"]), GROUP.type)
        groups = pc.coalesce(rows[GROUP.name], own)
        partitions = _joined(dates, groups)
        counts = _looked_up(self.files, partitions, pa.int64()).fill_null(1).to_numpy()
        numbers = pa.array((first + np.arange(rows.num_rows)) % counts, pa.int64())
        rows = rows.set_column(rows.column_names.index(GROUP.name), GROUP, groups)
        return rows.append_column(FILE, _joined(partitions, numbers.cast(pa.string())))


def file_number(key: str) -> int:
    """The number of the file within its partition that ``FILE`` says."""
    return int(key.rpartition("/")[2])


def plan_layout(
    table: str,
    tally: pa.Table,
    standing: Iterable[TableFile],
    replaced: Collection[str],
    settings: LayoutSettings,
) -> tuple[Layout, tuple[TableFile, ...]]:
    """The layout of the rows of ``tally``, and the files that go, whose other rows it takes in."""
    groups, coming = _folded(table, tally, settings)
    gone = tuple(
        file
        for file in standing
        if file.may_hold(replaced)
        or (file.partition in coming and file.bytes * _SMALL < settings.target_bytes)
    )
    sizes = Counter(coming)
    for file in gone:
        if not file.holds_only(replaced):
            sizes[file.partition] += file.bytes
    files = {place: max(1, math.ceil(n / settings.target_bytes)) for place, n in sizes.items()}
    return Layout(settings.dates, groups, files), gone


def _folded(
    table: str, tally: pa.Table, settings: LayoutSettings
) -> tuple[dict[str, str], dict[str, float]]:
    """The group of each language by its dates, and the bytes that come to each partition."""
    counted = tally.filter(pc.greater(tally["records"], 0))
    counted = counted.append_column("dates", date_groups(counted["date"], settings.dates))
    sums = counted.group_by(["dates", "language"], use_threads=False).aggregate(
        [("records", "sum"), (f"{table}_bytes", "sum")]
    )
    groups: dict[str, str] = {}
    coming: Counter[str] = Counter()
    for row in sums.to_pylist():
        group = row["language"] if row["records_sum"] >= settings.min_rows else OTHER
        groups[f"{row['dates']}/{row['language']}"] = group
        if row[f"{table}_bytes_sum"] > 0:  # else the output has nothing for this table
            coming[f"{row['dates']}/{group}"] += row[f"{table}_bytes_sum"]
    return groups, dict(coming)


def _joined(first: pa.ChunkedArray, second: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(first, second, "/")


def _looked_up(
    known: Mapping[str, object], keys: pa.ChunkedArray, kind: pa.DataType
) -> pa.ChunkedArray:
    """The value of each of ``keys``, null where it is not ``known``."""
    found = pc.index_in(keys, pa.array(list(known), pa.string()))
    return pa.chunked_array([pa.array(list(known.values()), kind)]).take(found)
