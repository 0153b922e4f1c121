"""The rows of a part in each table, before it is known which partition they go to.

A record without a language is in ``und``. An output that lacks a column which another has gets
nulls there.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

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


@dataclass(frozen=True)
class TableRows(ABC):
    """A table whose rows come from single records."""

    name: ClassVar[str]

    def schema(self, origin: Origin) -> pa.Schema:
        """The columns that the table needs for the parts of ``origin``."""
        return SCHEMAS[self.name]

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """What is read of a part; nothing where the table has no rows of it."""
        found = self.findings(origin)
        return (RECORD_ID.name, "language", *origin.date.columns, *found) if found else ()

    @abstractmethod
    def findings(self, origin: Origin) -> tuple[str, ...]:
        """The columns of tasks that the table's rows are made from."""

    @abstractmethod
    def rows(self, part: pa.Table, of: CommittedPart) -> pa.Table:
        """The table's rows of ``part``, which are some columns of the part ``of``."""


@dataclass(frozen=True)
class Documents(TableRows):
    """One row a record, with the columns of input and tasks that ``settings`` choose."""

    name = DOCUMENTS
    settings: DocumentSettings

    def schema(self, origin: Origin) -> pa.Schema:
        """What every document has, and the chosen columns."""
        fields = [origin.schema.field(name).with_name(to) for name, to in self._kept(origin)]
        return pa.schema([*SCHEMAS[DOCUMENTS], *map(plain_field, fields)])

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """All that rows are made of; of entities their number alone."""
        own = (RECORD_ID.name, *(field.name for field in _TOLD), *origin.date.columns)
        kept = (name for name, _ in self._kept(origin))
        return tuple(dict.fromkeys((*own, *kept, *entity_column(origin))))

    def findings(self, origin: Origin) -> tuple[str, ...]:
        """The chosen columns of tasks."""
        chosen = self.settings.task_columns
        if chosen == "scalars":
            kinds = {name: origin.schema.field(name).type for name in origin.tasks}
            return tuple(name for name, kind in kinds.items() if not pa.types.is_nested(kind))
        if chosen == "all":
            return tuple(name for name in origin.tasks if name != "entities")
        return tuple(name for name in origin.tasks if name in chosen)

    def rows(self, part: pa.Table, of: CommittedPart) -> pa.Table:
        """One row a record of ``part``."""
        origin = of.origin
        columns = {
            **{field.name: part[field.name] for field in _TOLD},
            **_common(part, of.origin),
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
        names = [*(name for name in origin.inputs if name in inputs), *self.findings(origin)]
        return document_names(names).items()


class Entities(TableRows):
    """One row an entity."""

    name = ENTITIES

    def findings(self, origin: Origin) -> tuple[str, ...]:
        """The entities, if a task looked for them."""
        return entity_column(origin)

    def rows(self, part: pa.Table, of: CommittedPart) -> pa.Table:
        """One row an entity of ``part``, in the order of its record."""
        lists = part["entities"].combine_chunks()
        parents = pc.list_parent_indices(lists)
        rows = pa.table(_common(part, of.origin)).take(parents)
        entity = pa.Table.from_struct_array(pc.list_flatten(lists))
        for name in entity.column_names:
            rows = rows.append_column(name, entity[name])
        numbers = parents.to_numpy(zero_copy_only=False)
        ordinals = np.arange(len(numbers)) - np.searchsorted(numbers, numbers)
        rows = rows.append_column("ordinal", pa.array(ordinals))
        rows = rows.append_column("task", pa.repeat("ner", rows.num_rows))
        return conformed(rows, SCHEMAS[ENTITIES])


class Labels(TableRows):
    """One row for each label of a record and classification task; none where it has no label."""

    name = LABELS

    def findings(self, origin: Origin) -> tuple[str, ...]:
        """Each classification's labels and scores."""
        return tuple(chain.from_iterable(_label_columns(task, origin) for task in origin.labels))

    def rows(self, part: pa.Table, of: CommittedPart) -> pa.Table:
        """One row a label of ``part``, task after task."""
        tables = []
        for task in of.origin.labels:
            rows = pa.table(_common(part, of.origin))
            labels, scores = (
                part[name].combine_chunks() for name in _label_columns(task, of.origin)
            )
            if pa.types.is_list(labels.type):
                rows = rows.take(pc.list_parent_indices(labels))
                labels, scores = pc.list_flatten(labels), pc.list_flatten(scores)
            found = {"task": pa.repeat(task, rows.num_rows), "label": labels, "score": scores}
            for name, column in found.items():
                rows = rows.append_column(name, column)
            tables.append(rows)
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


def _label_columns(task: str, origin: Origin) -> tuple[str, str]:
    """A classification's labels and scores: lists where its labels do not exclude each other."""
    lists = f"{task}_labels", f"{task}_scores"
    at = origin.schema.get_field_index(lists[0])
    several = at >= 0 and pa.types.is_list(origin.schema.field(at).type)
    return lists if several else (f"{task}_label", f"{task}_score")


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
