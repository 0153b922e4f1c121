"""The rows of a part in the table ``documents``, whose columns outputs and settings choose.

The text is there only where it is asked for. An output that lacks a column which another has gets
nulls there.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.tables import DocumentSettings
from pipeline.contract.schema import LANGUAGE_FIELDS, RECORD_ID, TOKEN_FIELDS
from pipeline.errors import ConfigError
from pipeline.tables.columns import DOCUMENTS, SCHEMAS, conformed, document_names
from pipeline.tables.plain_types import is_scalar, plain_field
from pipeline.tables.rows import common_columns, entity_column
from pipeline.tables.source import CommittedPart, Origin

_TOLD = (*LANGUAGE_FIELDS, *TOKEN_FIELDS)
"""What every output says of a record."""


@dataclass(frozen=True)
class Documents:
    """One row a record."""

    settings: DocumentSettings
    name: str = DOCUMENTS

    def schema(self, origin: Origin) -> pa.Schema:
        """What every document has, and the chosen columns of input and tasks."""
        kept = document_names(self._kept(origin))
        fields = [origin.schema.field(name).with_name(output) for name, output in kept.items()]
        return pa.schema([*SCHEMAS[DOCUMENTS], *map(plain_field, fields)])

    def columns(self, origin: Origin) -> tuple[str, ...]:
        """All that rows are made of; of entities their number alone."""
        own = [RECORD_ID.name, *(field.name for field in _TOLD)]
        named = (*own, *origin.date.columns, *self._kept(origin), *entity_column(origin))
        return tuple(dict.fromkeys(named))

    def rows(self, part: pa.Table, of: CommittedPart, origin: Origin) -> pa.Table:
        """One row a record of ``part``."""
        kept = document_names(self._kept(origin))
        return conformed(
            pa.table(
                {
                    **{field.name: part[field.name] for field in _TOLD},
                    **common_columns(part, origin),
                    "file": pa.repeat(of.file, part.num_rows),
                    "unit_id": pa.repeat(of.unit_id, part.num_rows),
                    "n_entities": _entity_counts(part, origin),
                    **{output: part[name] for name, output in kept.items()},
                }
            ),
            self.schema(origin),
        )

    def _kept(self, origin: Origin) -> tuple[str, ...]:
        return (*self._inputs(origin), *self._tasks(origin))

    def _inputs(self, origin: Origin) -> tuple[str, ...]:
        wanted = self.settings.keep_columns
        named = {name for name in origin.inputs if name != origin.text}
        if wanted != "all":
            named = set(wanted)
        if self.settings.text and origin.text:
            named.add(origin.text)
        return tuple(name for name in origin.inputs if name in named)

    def _tasks(self, origin: Origin) -> tuple[str, ...]:
        wanted = self.settings.task_columns
        if wanted == "scalars":
            return tuple(n for n in origin.tasks if is_scalar(origin.schema.field(n).type))
        if wanted == "all":
            return tuple(name for name in origin.tasks if name != "entities")
        return tuple(name for name in origin.tasks if name in wanted)


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


def _entity_counts(part: pa.Table, origin: Origin) -> pa.Array | pa.ChunkedArray:
    """How many entities each record has; null where no task looked for them."""
    if not entity_column(origin):  # a column of that name may have come from the input
        return pa.nulls(part.num_rows, pa.int32())
    return pc.list_value_length(part["entities"])
