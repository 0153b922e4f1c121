"""Rows of an output, counted by language; no text is read."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.reporting.page.columns import Columns
from pipeline.reporting.page.output import Output
from pipeline.reporting.run_report import language_name

_MOST_VALUES = 12
"""Columns of a grid."""


@dataclass(frozen=True)
class Grid:
    """Counts by language and value; the most frequent values are ``columns``, others left out."""

    columns: tuple[str, ...]
    rows: dict[str, dict[str, int]]
    left_out: int


@dataclass(frozen=True)
class Route:
    """Records of ``language`` that went through another language's ``adapter``, or through none."""

    language: str
    adapter: str | None
    source: str
    distance: float | None
    records: int


@dataclass(frozen=True)
class Counted:
    """The rows that were read; ``language`` is an English name, ``entities`` are their labels."""

    table: pa.Table

    @property
    def truncated(self) -> int:
        """Number of records of which a part was left out."""
        return int(pc.sum(self.table["truncated"]).as_py() or 0)

    def grid(self, column: str) -> Grid | None:
        """Counts by language and value of ``column``, of a list by each of its values."""
        pair = self.table.select(["language", column]).combine_chunks()
        if pa.types.is_list(pair.schema.field(column).type):
            languages = pair["language"].take(pc.list_parent_indices(pair[column]))
            pair = pa.table({"language": languages, column: pc.list_flatten(pair[column])})
        rows: dict[str, Counter[str]] = defaultdict(Counter)
        counts = pair.drop_null().group_by(["language", column]).aggregate([([], "count_all")])
        for language, value, count in zip(*counts.to_pydict().values(), strict=True):
            rows[language][str(value)] = count
        if not rows:
            return None
        total = sum(rows.values(), Counter[str]())
        columns = sorted(total, key=lambda value: (-total[value], value))[:_MOST_VALUES]
        ordered = sorted(rows.items(), key=lambda row: (-row[1].total(), row[0]))
        return Grid(tuple(columns), dict(ordered), len(total) - len(columns))

    def medians(self, column: str) -> dict[str, float]:
        """Median of the finite values of ``column``, by language."""
        finite = self.table.filter(pc.is_finite(self.table[column])).group_by("language")
        values = finite.aggregate([(column, "list")]).to_pydict()
        pairs = zip(values["language"], values[f"{column}_list"], strict=True)
        return {language: float(np.median(found)) for language, found in pairs}

    def routes(self) -> list[Route]:
        """Fallbacks by language and adapter, the most frequent first."""
        fallen = pc.is_in(self.table["language_source"], pa.array(["related", "default", "none"]))
        grouped = (
            self.table.filter(fallen)
            .group_by(["language", "xmod_language", "language_source"])
            .aggregate([("language_distance", "mean"), ([], "count_all")])
            .sort_by([("count_all", "descending"), ("language", "ascending")])
        )
        return [Route(*row.values()) for row in grouped.to_pylist()]


def read_counted(output: Output, columns: Columns, most: int) -> Counted:
    """At most ``most`` rows of ``output``, without their texts."""
    read = [*schema.LANGUAGE_FIELDS, *schema.TOKEN_FIELDS, *columns.labels, *columns.numbers]
    if columns.entities is not None:
        read.append(columns.entities)
    shape = partial(_narrow, entities=columns.entities)
    table = output.parts.read(pa.schema(read), most, shape)
    names = pa.array(map(language_name, table["language"].to_pylist()), pa.string())
    return Counted(table.set_column(0, "language", names))


def _narrow(table: pa.Table, entities: pa.Field | None) -> pa.Table:
    """``table`` with only the labels of the entities."""
    if entities is None:
        return table
    found = table[entities.name].combine_chunks()
    labels = pa.ListArray.from_arrays(found.offsets, pc.struct_field(found.values, "label"))
    return table.set_column(table.column_names.index(entities.name), entities.name, labels)
