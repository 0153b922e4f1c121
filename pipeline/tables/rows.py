"""The rows of a part in the tables of entities and labels, and what all tables say of a record.

A record without a language is in ``und``. Nothing here knows which partition a row goes to.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract.schema import RECORD_ID
from pipeline.language.tags import UNDETERMINED
from pipeline.tables.columns import ENTITIES, LABELS, SCHEMAS, conformed
from pipeline.tables.source import CommittedPart, Origin


class TableRows(Protocol):
    """One of the tables whose rows come from single records."""

    @property
    def name(self) -> str:
        """The table's name."""

    def schema(self, origin: Origin) -> pa.Schema:
        """The columns that the table needs for the parts of ``origin``."""

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """What is read of a part; nothing where the table has no rows of it."""

    def rows(self, part: pa.Table, of: CommittedPart, origin: Origin) -> pa.Table:
        """The table's rows of ``part``."""


@dataclass(frozen=True)
class Entities:
    """One row an entity."""

    name: str = ENTITIES

    def schema(self, origin: Origin) -> pa.Schema:
        """The same for all."""
        return SCHEMAS[ENTITIES]

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """Nothing where no task found entities."""
        found = entity_column(origin)
        return (RECORD_ID.name, "language", *origin.date.columns, *found) if found else ()

    def rows(self, part: pa.Table, of: CommittedPart, origin: Origin) -> pa.Table:
        """One row an entity of ``part``, in the order of its record."""
        lists = part["entities"].combine_chunks()
        parents = pc.list_parent_indices(lists)
        rows = pa.table(common_columns(part, origin)).take(parents)
        entity = pa.Table.from_struct_array(pc.list_flatten(lists))
        for name in entity.column_names:
            rows = rows.append_column(name, entity[name])
        rows = rows.append_column("ordinal", _ordinals(parents))
        rows = rows.append_column("task", pa.repeat("ner", len(parents)))
        return conformed(rows, self.schema(origin))


@dataclass(frozen=True)
class Labels:
    """One row a record and classification task."""

    name: str = LABELS

    def schema(self, origin: Origin) -> pa.Schema:
        """The same for all."""
        return SCHEMAS[LABELS]

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """Nothing where no task classifies."""
        found = [f"{task}_{column}" for task in origin.labels for column in ("label", "score")]
        return (RECORD_ID.name, "language", *origin.date.columns, *found) if found else ()

    def rows(self, part: pa.Table, of: CommittedPart, origin: Origin) -> pa.Table:
        """One row a record of ``part`` and task; none where a record has no label."""
        common = common_columns(part, origin)
        tables = [
            pa.table(
                {
                    **common,
                    "task": pa.repeat(task, part.num_rows),
                    "label": part[f"{task}_label"],
                    "score": part[f"{task}_score"],
                }
            )
            for task in origin.labels
        ]
        rows = conformed(pa.concat_tables(tables), self.schema(origin))
        return rows.filter(pc.is_valid(rows["label"]))


def languages_of(part: pa.Table) -> pa.ChunkedArray:
    """The language of each record, ``und`` where it is null."""
    return pc.fill_null(part["language"], UNDETERMINED)


def common_columns(part: pa.Table, origin: Origin) -> dict[str, pa.Array | pa.ChunkedArray]:
    """What all tables say of a record, for each of ``part``."""
    return {
        "source": pa.repeat(origin.name, part.num_rows),
        "record_id": part["record_id"],
        "date": origin.date.dates(part),
        "language": languages_of(part),
    }


def entity_column(origin: Origin) -> tuple[str, ...]:
    """The column with entities, if a task looked for them."""
    return ("entities",) if "entities" in origin.tasks else ()


def _ordinals(parents: pa.Array) -> pa.Array:
    """The position of each item among those of its parent, from 0; ``parents`` are in order."""
    numbers = parents.to_numpy(zero_copy_only=False)
    return pa.array(np.arange(len(numbers)) - np.searchsorted(numbers, numbers))
