"""The schema check: which columns of a file the job reads, decided before any value is touched.

Extension types are refused, because some run code when their values are read. Text must be a string
type. All files of a corpus must have one schema, up to nullability, the order of columns and the
names of list items.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import InputSettings
from pipeline.contract.schema import RECORD_ID, clashing, folded
from pipeline.corpus.common_schema import columns_of
from pipeline.corpus.view_types import without_views
from pipeline.errors import DamagedError, SchemaError

_SHOWN = 50
"""Names in a message; a file may have thousands of columns."""


@dataclass(frozen=True)
class InputColumns:
    """The columns that are read, as ``planned``; ``kept`` are (input name, output name)."""

    planned: pa.Schema
    kept: tuple[tuple[str, str], ...]

    def output_of(self, name: str) -> str | None:
        """What input column ``name`` is called in the output; None where it is not kept."""
        return dict(self.kept).get(name)

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The kept columns as the output has them: nullable, without views."""
        fields = ((self.planned.field(name), output) for name, output in self.kept)
        return tuple(pa.field(output, without_views(field.type)) for field, output in fields)


def open_parquet(file: BinaryIO, uri: str) -> pq.ParquetFile:
    """``file`` with its footer read; raises DamagedError where no schema comes of that."""
    try:
        return pq.ParquetFile(file)
    except OSError:
        raise  # the store's as well: told where the file was opened
    except Exception as error:  # whatever a registered extension type raises at its own metadata
        reason = f": {error}" if isinstance(error, pa.ArrowException) else ""
        raise DamagedError(
            f"{uri} cannot be read as Parquet: {type(error).__name__}{reason}. Mend or remove the "
            "file, or start the job with --allow-bad-files."
        ) from error


def input_columns(
    planned: pa.Schema, settings: InputSettings, reserved: frozenset[str]
) -> InputColumns:
    """The columns to read; one whose name is ``reserved`` is kept as ``input_<name>``.

    Names that differ only in case count as equal, as in DuckDB and Spark. Raises SchemaError where
    two columns would have equal names.
    """
    wanted = set(planned.names if settings.keep_columns == "all" else settings.keep_columns)
    if settings.id_column == RECORD_ID.name:
        wanted.discard(RECORD_ID.name)  # it is the output's record_id already
    names = [name for name in planned.names if name in wanted]
    taken = frozenset(map(folded, reserved))
    kept = tuple((name, _output_name(name, taken)) for name in names)
    if doubled := clashing([output for _, output in kept]):
        raise SchemaError(
            f"The output would have two columns {', '.join(doubled)}: an input column whose name "
            "the output needs is kept as input_<name>, and names that differ in case alone are one "
            "name to DuckDB and Spark. Leave one out of input.keep_columns."
        )
    return InputColumns(planned, kept)


def gate(file_schema: pa.Schema, settings: InputSettings, uri: str) -> pa.Schema:
    """The columns of ``file_schema`` that the job reads; raises SchemaError where it may not.

    Columns that the config names are among them even if they are not kept.
    """
    tagged = [settings.language_column, settings.language_prior_column]
    asked = [settings.question_column, settings.choices_column, settings.second_text_column]
    named = [settings.text_column, settings.id_column, *tagged, *asked]
    wanted = [name for name in named if name is not None]
    if settings.keep_columns != "all":
        wanted = [*settings.keep_columns, *wanted]
    missing = sorted(set(wanted) - set(file_schema.names))
    if missing:
        raise SchemaError(
            f"{uri} has no column {', '.join(map(repr, missing))}; its columns are "
            f"{_listed(file_schema.names)}. Set input.text_column, id_column, language_column, "
            "language_prior_column, question_column, choices_column, second_text_column or "
            "keep_columns."
        )
    doubled = sorted(name for name, count in Counter(file_schema.names).items() if count > 1)
    if doubled:
        raise SchemaError(f"{uri} has columns of one name: {', '.join(doubled)}. Rename them.")
    kept = [
        field for field in file_schema if settings.keep_columns == "all" or field.name in wanted
    ]
    for field in kept:
        refuse_extensions(field, uri)
    _require_types(file_schema, settings, uri)
    return pa.schema([field.remove_metadata() for field in kept])


def require_planned(seen: pa.Schema, planned: pa.Schema, uri: str) -> None:
    """Raise SchemaError that names the columns in which ``seen`` differs from ``planned``."""
    if seen.equals(planned):
        return
    expected, found = ({field.name: field.type for field in s} for s in (planned, seen))
    drifted = sorted({name for name, _ in columns_of(planned) ^ columns_of(seen)})
    if drifted:
        differences = "; ".join(
            f"{name}: {found.get(name, 'missing')}, expected {expected.get(name, 'no such column')}"
            for name in drifted
        )
        raise SchemaError(
            f"{uri} has other columns than most records of the corpus: {differences}. Convert it, "
            "choose columns that all files share in input.keep_columns, or leave the file out."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _require_types(file_schema: pa.Schema, settings: InputSettings, uri: str) -> None:
    """Raise SchemaError where a column that the config names cannot be what it is to be."""
    for setting in ("text_column", "question_column", "second_text_column"):
        if (name := getattr(settings, setting)) is not None:
            _require_text(file_schema.field(name), setting, uri)
    if settings.choices_column is not None:
        _require_choices(file_schema.field(settings.choices_column), uri)
    for name in (settings.id_column, settings.language_column):
        if name is not None:
            _require_printable(file_schema.field(name), uri)
    if settings.language_prior_column is not None:
        _require_printable(_item(file_schema.field(settings.language_prior_column)), uri)


def _output_name(name: str, taken: frozenset[str]) -> str:
    """``taken`` are ``folded`` names."""
    return f"input_{name}" if folded(name) in taken or name.startswith("_") else name


def refuse_extensions(field: pa.Field, uri: str) -> None:
    """Raise SchemaError where ``field``, or a field in it, has an extension type."""
    named = (field.metadata or {}).get(b"ARROW:extension:name")
    if named is not None or isinstance(field.type, pa.BaseExtensionType):
        kind = named.decode(errors="replace") if named else field.type.extension_name
        raise SchemaError(
            f"{uri}: column {field.name!r} has the extension type {kind!r}. Extension types are "
            "not read, because some run code on reading. Store plain types, or leave the column "
            "out of input.keep_columns."
        )
    if pa.types.is_dictionary(field.type):
        refuse_extensions(field.with_type(field.type.value_type), uri)
    for position in range(field.type.num_fields):
        refuse_extensions(field.type.field(position), uri)


def _require_text(field: pa.Field, setting: str, uri: str) -> None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if not (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    ):
        raise SchemaError(
            f"{uri}: {setting.replace('_', ' ')} {field.name!r} is {field.type}; expected string, "
            f"large_string, string_view or a dictionary of strings. Set input.{setting}."
        )


def _require_choices(field: pa.Field, uri: str) -> None:
    if _item(field).type == field.type:
        raise SchemaError(
            f"{uri}: choices column {field.name!r} is {field.type}; expected a list of strings. "
            "Set input.choices_column."
        )
    _require_text(_item(field), "choices_column", uri)


def _require_printable(field: pa.Field, uri: str) -> None:
    try:
        pa.array([], field.type).cast(pa.string())
    except pa.ArrowNotImplementedError:
        raise SchemaError(
            f"{uri}: column {field.name!r} is {field.type}, which has no form as a string; "
            "expected strings or numbers, or for language_prior_column lists of them. Set "
            "input.id_column, language_column or language_prior_column."
        ) from None


def _item(field: pa.Field) -> pa.Field:
    """``field`` with the type of its items, where it holds lists."""
    lists = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
    return field.with_type(field.type.value_type) if lists else field
