"""Columns → counts by language.

Enters: an output. Leaves: ``Counted``: one narrow table of its rows, and what can be asked of it.
What holds: languages go by their English names, regions taken together, as in the job's summary; a
record without one counts as undetermined; no text is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.language.tags import UNDETERMINED
from pipeline.reporting.page.known_columns import Columns
from pipeline.reporting.page.output import Output, Sought, read_rows
from pipeline.reporting.run_report import language_name

Cross = dict[str, dict[str, int]]
"""Counts by language and value."""

_KEPT = (*schema.LANGUAGE_FIELDS, *schema.TOKEN_FIELDS)


@dataclass(frozen=True)
class Route:
    """Records of ``language`` that went through ``adapter`` for want of their own."""

    language: str
    adapter: str | None
    source: str
    distance: float | None
    records: int


@dataclass(frozen=True)
class Quartiles:
    """Of a column's values in one language."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Counted:
    """The rows that were read; each has a ``language`` by name, and its entities' labels."""

    table: pa.Table

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return int(self.table.num_rows)

    def of(self, column: str) -> Cross:
        """Records by language and value of ``column``; of a list, by each of its values."""
        pair = self.table.select(["language", column])
        if pa.types.is_list(pair.schema.field(column).type):
            pair = _one_a_row(pair, column)
        return _crossed(pair.drop_null(), column)

    def in_doublings(self, column: str) -> dict[str, int]:
        """Records by ``column``, whose values are put in ranges that double: 0, 1, 2, 3–4, 5–8."""
        values = pc.fill_null(self.table[column], 0).to_numpy()
        bits = np.where(values > 1, np.ceil(np.log2(np.maximum(values, 1))) + 1, values).astype(int)
        if not len(bits):
            return {}
        counts = np.bincount(np.maximum(bits, 0))
        return {_doubling(place): int(counts[place]) for place in range(bits.min(), len(counts))}

    def truncated(self) -> int:
        """Records of which a part was left out."""
        return int(pc.sum(self.table["truncated"]).as_py() or 0)

    def quartiles(self, column: str) -> dict[str, Quartiles]:
        """Of the finite values of ``column``, by language."""
        languages = np.asarray(self.table["language"].to_pylist(), dtype=object)
        values = pc.fill_null(self.table[column], float("nan")).to_numpy()
        finite = np.isfinite(values)
        return {
            name: Quartiles(*np.quantile(values[finite & (languages == name)], (0.25, 0.5, 0.75)))
            for name in sorted(set(languages[finite]))
        }

    def routes(self) -> list[Route]:
        """Where records without an adapter of their own went, the most frequent first."""
        keys = ["language", "xmod_language", "language_source"]
        fallen = pc.is_in(self.table["language_source"], pa.array(["related", "default", "none"]))
        grouped = (
            self.table.filter(fallen)
            .group_by(keys)
            .aggregate([("language_distance", "mean"), ([], "count_all")])
        )
        routes = [
            Route(
                language=row["language"],
                adapter=row["xmod_language"],
                source=row["language_source"],
                distance=row["language_distance_mean"],
                records=row["count_all"],
            )
            for row in grouped.to_pylist()
        ]
        return sorted(routes, key=lambda route: (-route.records, route.language))


def read_counted(output: Output, columns: Columns, most: int) -> Counted:
    """At most ``most`` rows of ``output``, without their texts."""
    read = [*_KEPT, *columns.labels, *columns.choices, *columns.numbers]
    if columns.entities is not None:
        read.append(columns.entities)
    shape = partial(_narrow, entities=columns.entities)
    parts = output.parts if output.schema is not None else ()
    sought = Sought(most, standing=output.report.rows_out)
    return Counted(_named(read_rows(output.store, parts, pa.schema(read), sought, shape)))


def _narrow(table: pa.Table, entities: pa.Field | None) -> pa.Table:
    """``table`` with the labels of entities in place of the entities."""
    if entities is None:
        return table
    place = table.column_names.index(entities.name)
    found = table[entities.name].combine_chunks()
    labels = pa.ListArray.from_arrays(found.offsets, pc.struct_field(found.values, "label"))
    return table.set_column(place, entities.name, labels)


def _named(table: pa.Table) -> pa.Table:
    tags = pc.fill_null(table["language"], UNDETERMINED).combine_chunks().dictionary_encode()
    names = [language_name(tag) for tag in tags.dictionary.to_pylist()]
    column = pa.array(names, pa.string()).take(tags.indices)
    return table.set_column(table.column_names.index("language"), "language", column)


def _one_a_row(pair: pa.Table, column: str) -> pa.Table:
    whole = pair.combine_chunks()
    parents = pc.list_parent_indices(whole[column])
    values = pc.list_flatten(whole[column])
    return pa.table({"language": whole["language"].take(parents), column: values})


def _crossed(pair: pa.Table, column: str) -> Cross:
    crossed: Cross = {}
    for row in pair.group_by(["language", column]).aggregate([([], "count_all")]).to_pylist():
        crossed.setdefault(row["language"], {})[str(row[column])] = row["count_all"]
    return crossed


def _doubling(place: int) -> str:
    """The ``place``-th range of 0, 1, 2, 3–4, 5–8 and so on."""
    if place < 3:
        return str(place)
    return f"{2 ** (place - 2) + 1:,}–{2 ** (place - 1):,}"


def total(crossed: Cross) -> dict[str, int]:
    """Counts by value over all languages, the most frequent first."""
    sums: dict[str, int] = {}
    for counts in crossed.values():
        for value, count in counts.items():
            sums[value] = sums.get(value, 0) + count
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def most_frequent(crossed: Cross, most: int) -> Sequence[str]:
    """The ``most`` most frequent values over all languages."""
    return list(total(crossed))[:most]
