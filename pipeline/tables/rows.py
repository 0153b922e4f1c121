"""The rows of a part in each table, before it is known which partition they go to.

A record without a language is in ``und``. An output that lacks a column which another has gets
nulls there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.tables import DocumentSettings
from pipeline.contract.schema import LANGUAGE_FIELDS, RECORD_ID, TOKEN_FIELDS
from pipeline.errors import ConfigError
from pipeline.language.tags import UNDETERMINED
from pipeline.tables.columns import (
    DOCUMENTS,
    ENTITIES,
    LABELS,
    SCHEMAS,
    conformed,
    document_names,
    plain_field,
)
from pipeline.tables.source import CommittedPart, Origin

_TOLD = (*LANGUAGE_FIELDS, *TOKEN_FIELDS)
"""What every output says of a record."""


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
class Documents:
    """One row a record, with the columns of input and tasks that ``settings`` choose."""

    settings: DocumentSettings
    name: str = DOCUMENTS

    def schema(self, origin: Origin) -> pa.Schema:
        """What every document has, and the chosen columns."""
        fields = [origin.schema.field(name).with_name(to) for name, to in self._kept(origin)]
        return pa.schema([*SCHEMAS[DOCUMENTS], *map(plain_field, fields)])

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """All that rows are made of; of entities their number alone."""
        own = (RECORD_ID.name, *(field.name for field in _TOLD), *origin.date.columns)
        kept = (name for name, _ in self._kept(origin))
        return tuple(dict.fromkeys((*own, *kept, *entity_column(origin))))

    def rows(self, part: pa.Table, of: CommittedPart, origin: Origin) -> pa.Table:
        """One row a record of ``part``."""
        columns = {
            **{field.name: part[field.name] for field in _TOLD},
            **_common(part, origin),
            "file": pa.repeat(of.file, part.num_rows),
            "unit_id": pa.repeat(of.unit_id, part.num_rows),
            **{to: part[name] for name, to in self._kept(origin)},
        }
        if entity_column(origin):  # a column of that name may have come from the input
            columns["n_entities"] = pc.list_value_length(part["entities"])
        return conformed(pa.table(columns), self.schema(origin))

    def _kept(self, origin: Origin) -> Iterable[tuple[str, str]]:
        """The chosen columns, each with its name in the table."""
        chosen = self.settings.keep_columns
        inputs = set(origin.inputs) - {origin.text} if chosen == "all" else set(chosen)
        if self.settings.text and origin.text:
            inputs.add(origin.text)
        names = [*(name for name in origin.inputs if name in inputs), *self._tasks(origin)]
        return document_names(names).items()

    def _tasks(self, origin: Origin) -> Iterable[str]:
        chosen = self.settings.task_columns
        if chosen == "scalars":
            kinds = {name: origin.schema.field(name).type for name in origin.tasks}
            return [name for name, kind in kinds.items() if not pa.types.is_nested(kind)]
        if chosen == "all":
            return [name for name in origin.tasks if name != "entities"]
        return [name for name in origin.tasks if name in chosen]


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
        rows = pa.table(_common(part, origin)).take(parents)
        entity = pa.Table.from_struct_array(pc.list_flatten(lists))
        for name in entity.column_names:
            rows = rows.append_column(name, entity[name])
        numbers = parents.to_numpy(zero_copy_only=False)
        ordinals = np.arange(len(numbers)) - np.searchsorted(numbers, numbers)
        rows = rows.append_column("ordinal", pa.array(ordinals))
        rows = rows.append_column("task", pa.repeat("ner", rows.num_rows))
        return conformed(rows, SCHEMAS[ENTITIES])


@dataclass(frozen=True)
class Labels:
    """One row a record and classification task; none where a record has no label."""

    name: str = LABELS

    def schema(self, origin: Origin) -> pa.Schema:
        """The same for all."""
        return SCHEMAS[LABELS]

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """Nothing where no task classifies."""
        found = [f"{task}_{column}" for task in origin.labels for column in ("label", "score")]
        return (RECORD_ID.name, "language", *origin.date.columns, *found) if found else ()

    def rows(self, part: pa.Table, of: CommittedPart, origin: Origin) -> pa.Table:
        """One row a record of ``part`` and task."""
        common = _common(part, origin)
        tables = []
        for task in origin.labels:
            found = {"label": part[f"{task}_label"], "score": part[f"{task}_score"]}
            tables.append(pa.table({**common, "task": pa.repeat(task, part.num_rows), **found}))
        rows = conformed(pa.concat_tables(tables), SCHEMAS[LABELS])
        return rows.filter(pc.is_valid(rows["label"]))


def require_columns(settings: DocumentSettings, origins: Iterable[Origin]) -> None:
    """Raise ConfigError where ``settings`` name columns that none of ``origins`` has."""
    origins = tuple(origins)
    inputs = {name for origin in origins for name in origin.inputs}
    tasks = {name for origin in origins for name in origin.tasks}
    for setting, wanted, known in (
        ("keep_columns", settings.keep_columns, inputs),
        ("task_columns", settings.task_columns, tasks),
    ):
        strange = () if isinstance(wanted, str) else sorted(set(wanted) - known)
        if strange:
            raise ConfigError(
                f"documents.{setting} names {', '.join(strange)}, which none of the outputs has; "
                f"they have {', '.join(sorted(known)) or 'none'}. Mend documents.{setting}."
            )


def entity_column(origin: Origin) -> tuple[str, ...]:
    """The column with entities, if a task looked for them."""
    return ("entities",) if "entities" in origin.tasks else ()


def languages_of(part: pa.Table) -> pa.ChunkedArray:
    """The language of each record, ``und`` where it is null."""
    return pc.fill_null(part["language"], UNDETERMINED)


def _common(part: pa.Table, origin: Origin) -> dict[str, pa.Array | pa.ChunkedArray]:
    """What all tables say of a record, for each of ``part``."""
    return {
        "source": pa.repeat(origin.name, part.num_rows),
        "record_id": part["record_id"],
        "date": origin.date.dates(part),
        "language": languages_of(part),
    }
