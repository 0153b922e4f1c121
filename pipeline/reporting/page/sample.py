"""Rows → records to read and vectors to draw, as many of each language as can be.

Enters: an output, its columns, and the limits. Leaves: ``Sample``. What holds: without
``limits.texts`` no text column is read, nor is anything that is a piece of a text; with it, a text
is cut where Arrow holds it, before Python sees it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.language.tags import UNDETERMINED
from pipeline.reporting.page.known_columns import Columns
from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.output import Output, Sought, read_rows
from pipeline.reporting.page.shown import Shown, shown
from pipeline.reporting.run_report import language_name

_ROWS_FOR_ONE = 4
"""Rows that are read for each one that is wanted, so that rare languages are among them."""

_READ = (
    schema.RECORD_ID,
    *(field for field in schema.LANGUAGE_FIELDS if field.name not in ("language_distance",)),
    schema.TOKEN_FIELDS[0],
)


@dataclass(frozen=True)
class Sample:
    """``records`` to read, and ``vectors`` [n, size] of the records in ``pointed``."""

    records: tuple[Shown, ...]
    pointed: tuple[Shown, ...]
    vectors: npt.NDArray[np.float32] | None


def read_sample(output: Output, columns: Columns, limits: PageLimits) -> Sample:
    """What ``output`` shows of single records."""
    wanted = _wanted(columns, limits.texts)
    points = limits.points if wanted.embedding is not None else 0
    records = limits.records if limits.texts else 0
    most = _ROWS_FOR_ONE * max(records, points)
    if not most or output.schema is None:
        return Sample((), (), None)
    shape = partial(_cut, text=wanted.text, characters=limits.characters)
    sought = Sought(most, standing=output.report.rows_out)
    table = read_rows(output.store, output.parts, _read_schema(wanted), sought, shape)
    return Sample(
        tuple(_shown(table, balanced(_languages(table), records), wanted, limits.characters)),
        *_pointed(table, points, wanted),
    )


def balanced(values: Sequence[str], most: int) -> list[int]:
    """Places of at most ``most`` of ``values``: the first of each, then the second of each."""
    seen: Counter[str] = Counter()
    ranks = []
    for place, value in enumerate(values):
        ranks.append((seen[value], place))
        seen[value] += 1
    return [place for _, place in sorted(ranks)[:most]]


def _wanted(columns: Columns, texts: bool) -> Columns:
    if texts:
        return columns
    return replace(columns, text=None, entities=None, answers=(), continuation=None)


def _read_schema(columns: Columns) -> pa.Schema:
    single = (columns.text, columns.entities, columns.embedding, columns.continuation)
    several = (*columns.labels, *columns.choices, *columns.answers, *columns.numbers)
    return pa.schema([*_READ, *(field for field in single if field is not None), *several])


def _cut(table: pa.Table, text: pa.Field | None, characters: int) -> pa.Table:
    """``table`` with one character more of a text than is shown, which tells that it is cut."""
    if text is None:
        return table
    short = pc.utf8_slice_codeunits(table[text.name].cast(pa.string()), 0, characters + 1)
    return table.set_column(table.column_names.index(text.name), text.name, short)


def _languages(table: pa.Table) -> list[str]:
    return [language_name(tag or UNDETERMINED) for tag in table["language"].to_pylist()]


def _pointed(
    table: pa.Table, most: int, columns: Columns
) -> tuple[tuple[Shown, ...], npt.NDArray[np.float32] | None]:
    if columns.embedding is None or not most:
        return (), None
    name = columns.embedding.name
    sound = table.filter(pc.is_valid(table[name]))
    places = balanced(_languages(sound), most)
    vectors = sound[name].take(pa.array(places, pa.int64())).combine_chunks()
    numbers = vectors.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    pointed = tuple(_shown(sound, places, _wanted(columns, texts=False), 0))
    return pointed, numbers.reshape(len(places), columns.embedding.type.list_size)


def _shown(
    table: pa.Table, places: Sequence[int], columns: Columns, characters: int
) -> Iterator[Shown]:
    read = _read_schema(replace(columns, embedding=None))
    for row in table.select(read.names).take(pa.array(places, pa.int64())).to_pylist():
        yield shown(row, columns, characters)
