"""Which of a part's columns the page knows what to do with.

Enters: an output. Leaves: ``Columns``. What holds: a column is told by its name and its type
together, so that one with values that would run code when they are read is never among them; the
input's columns stand before ``record_id``, those of the tasks after ``truncated``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from pipeline.contract import schema
from pipeline.reporting.page.output import Output

ENTITIES, EMBEDDING, CONTINUATION = "entities", "embedding", "continuation"

_LABEL, _CHOICE, _ANSWERS = "_label", "_choice", "_answers"


@dataclass(frozen=True)
class Columns:
    """Columns of an output's parts, by what they say; ``numbers`` are scores and likelihoods."""

    text: pa.Field | None = None
    entities: pa.Field | None = None
    embedding: pa.Field | None = None
    continuation: pa.Field | None = None
    labels: tuple[pa.Field, ...] = ()
    choices: tuple[pa.Field, ...] = ()
    answers: tuple[pa.Field, ...] = ()
    numbers: tuple[pa.Field, ...] = ()


def columns_of(output: Output) -> Columns:
    """The columns of ``output`` that the page shows something of."""
    if output.schema is None:
        return Columns()
    fields = list(output.schema.remove_metadata())
    names = [field.name for field in fields]
    given = fields[: names.index(schema.RECORD_ID.name)]
    tasks = fields[names.index(schema.TOKEN_FIELDS[-1].name) + 1 :]
    return Columns(
        text=_text(given, output),
        entities=_first(tasks, ENTITIES, lambda kind: _is_list_of(kind, schema.ENTITY)),
        embedding=_first(tasks, EMBEDDING, _is_vector),
        continuation=_first(tasks, CONTINUATION, pa.types.is_string),
        labels=_ending(tasks, _LABEL, pa.types.is_string),
        choices=_ending(tasks, _CHOICE, pa.types.is_int32),
        answers=_ending(tasks, _ANSWERS, lambda kind: _is_list_of(kind, schema.ANSWER)),
        numbers=_ending(tasks, "", pa.types.is_float32),
    )


def task_of(column: str) -> str:
    """The task that ``column`` is of: ``topic`` of ``topic_label``."""
    for ending in (_LABEL, _CHOICE, _ANSWERS):
        column = column.removesuffix(ending)
    return column


def _text(given: list[pa.Field], output: Output) -> pa.Field | None:
    """The column with the texts, if the job kept it, under its own name or ``input_<name>``."""
    settings = output.identity.echo.get("input")
    told = settings if isinstance(settings, dict) else {}
    name, kept = told.get("text_column"), told.get("keep_columns")
    if isinstance(kept, list) and name not in kept:
        return None
    for candidate in (name, f"input_{name}"):
        for field in given:
            if field.name == candidate and _is_text(field.type):
                return field
    return None


def _first(fields: list[pa.Field], name: str, of: Callable[[pa.DataType], bool]) -> pa.Field | None:
    return next((field for field in fields if field.name == name and of(field.type)), None)


def _ending(
    fields: list[pa.Field], ending: str, of: Callable[[pa.DataType], bool]
) -> tuple[pa.Field, ...]:
    return tuple(field for field in fields if field.name.endswith(ending) and of(field.type))


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(
        of(plain) for of in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _is_list_of(kind: pa.DataType, value: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and kind.value_type == value)


def _is_vector(kind: pa.DataType) -> bool:
    if not pa.types.is_fixed_size_list(kind):
        return False
    return bool(pa.types.is_float32(kind.value_type) or pa.types.is_float16(kind.value_type))
