"""Which partition each row goes to, and which files of a table are rewritten.

Files with rows of an output that is replaced are rewritten without them. Small files are rewritten
together with the rows that come to their partition.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.tables import Granularity, LayoutSettings
from pipeline.tables.columns import GROUP
from pipeline.tables.data_files import PARTITION, TableFile
from pipeline.tables.dates import date_groups

OTHER = "other"
"""The group of languages that have few records in a day, month or year."""

_SMALL = 2
"""A file smaller than the target by this factor is rewritten when its partition gets rows."""


@dataclass(frozen=True)
class Layout:
    """Where rows of one table go: ``groups`` has the language group by ``<dates>/<language>``."""

    dates: Granularity
    groups: Mapping[str, str]

    def placed(self, rows: pa.Table) -> pa.Table:
        """``rows`` with their language group and ``PARTITION``.

        Rows that have a group keep it: they were in the table before.
        """
        dates = pa.chunked_array([date_groups(rows["date"], self.dates)], pa.string())
        known, own = (pa.array(list(of), GROUP.type) for of in (self.groups, self.groups.values()))
        own = own.take(pc.index_in(_joined(dates, rows["language"]), known).combine_chunks())
        groups = pc.coalesce(rows[GROUP.name], own)
        rows = rows.set_column(rows.column_names.index(GROUP.name), GROUP, groups)
        return rows.append_column(PARTITION, _joined(dates, groups))

    def rewritten(
        self, files: Iterable[TableFile], replaced: Collection[str], target_bytes: int
    ) -> tuple[TableFile, ...]:
        """Those of ``files`` that a run rewrites which replaces the outputs ``replaced``."""
        coming = {f"{key.partition('/')[0]}/{group}" for key, group in self.groups.items()}
        return tuple(
            file
            for file in files
            if file.may_hold(replaced)
            or (file.partition in coming and file.bytes * _SMALL < target_bytes)
        )


def plan_layout(tally: pa.Table, settings: LayoutSettings) -> Layout:
    """The layout of the records that ``tally`` counts."""
    counted = tally.filter(pc.greater(tally["records"], 0))
    dates = pa.chunked_array([date_groups(counted["date"], settings.dates)], pa.string())
    keys = pa.table({"key": _joined(dates, counted["language"]), "records": counted["records"]})
    sums = keys.group_by("key", use_threads=False).aggregate([("records", "sum")]).to_pylist()
    groups = {
        row["key"]: row["key"].partition("/")[2]
        if row["records_sum"] >= settings.min_rows
        else OTHER
        for row in sums
    }
    return Layout(settings.dates, groups)


def _joined(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(first, second, "/")
