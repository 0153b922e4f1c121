"""The columns of an output that the page can show; types that could run code are never read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.contract import schema
from pipeline.reporting.page.output import Output

_IsType = Callable[[pa.DataType], bool]


@dataclass(frozen=True)
class Columns:
    """``labels`` have one value a record, or a list of them, whose scores are in ``scores``.

    ``numbers`` are scores, likelihoods and values.
    """

    text: pa.Field | None = None
    entities: pa.Field | None = None
    embedding: pa.Field | None = None
    continuation: pa.Field | None = None
    labels: tuple[pa.Field, ...] = ()
    scores: tuple[pa.Field, ...] = ()
    answers: tuple[pa.Field, ...] = ()
    numbers: tuple[pa.Field, ...] = ()


def columns_of(output: Output) -> Columns:
    """The columns of ``output`` that the page shows.

    The input's columns come before ``record_id``, those of the tasks after ``truncated``.
    """
    found = output.parts.schema()
    if found is None:
        return Columns()
    fields, names = list(found.remove_metadata()), found.names
    tasks = fields[names.index(schema.TOKEN_FIELDS[-1].name) + 1 :]
    return Columns(
        text=_text(fields[: names.index(schema.RECORD_ID.name)], output),
        entities=_named(tasks, "entities", pa.list_(schema.ENTITY).equals),
        embedding=_named(tasks, "embedding", _is_vector),
        continuation=_named(tasks, "continuation", pa.types.is_string),
        labels=(
            *_ending(tasks, "_label", pa.types.is_string),
            *_ending(tasks, "_labels", pa.list_(pa.string()).equals),
            *_ending(tasks, "_choice", pa.types.is_int32),
        ),
        scores=_ending(tasks, "_scores", pa.list_(pa.float32()).equals),
        answers=_ending(tasks, "_answers", pa.list_(schema.ANSWER).equals),
        numbers=_ending(tasks, "", pa.types.is_float32),
    )


def task_of(column: str) -> str:
    """The task that wrote ``column``: ``topic`` of ``topic_label``."""
    return column.rpartition("_")[0]


def _text(given: Sequence[pa.Field], output: Output) -> pa.Field | None:
    """The text column, where the job kept it: under its own name, or as ``input_<name>``."""
    settings = output.settings("input")
    name, kept = str(settings.get("text_column")), settings.get("keep_columns")
    if isinstance(kept, list) and name not in kept:
        return None
    return _named(given, name, _is_text) or _named(given, f"input_{name}", _is_text)


def _named(fields: Sequence[pa.Field], name: str, is_type: _IsType) -> pa.Field | None:
    return next((field for field in fields if field.name == name and is_type(field.type)), None)


def _ending(fields: Sequence[pa.Field], ending: str, is_type: _IsType) -> tuple[pa.Field, ...]:
    return tuple(field for field in fields if field.name.endswith(ending) and is_type(field.type))


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return plain in (pa.string(), pa.large_string(), pa.string_view())


def _is_vector(kind: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(kind) and kind.value_type in (pa.float32(), pa.float16())
