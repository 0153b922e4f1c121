"""The columns of a file → the fields of each record, whatever their types.

Every record has an id. A record whose text cannot be used is marked for quarantine, never dropped.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import InputSettings
from pipeline.contract import schema
from pipeline.contract.failure import Failure, failure_column
from pipeline.contract.unit import Unit
from pipeline.corpus.odd_values import not_utf8, rows_with


def record_columns(
    rows: pa.Table, unit: Unit, settings: InputSettings, kept: Sequence[str] = ()
) -> Iterator[tuple[pa.Field, pa.Array]]:
    """``schema.READ_FIELDS`` and their values for the unit's ``rows``.

    The columns ``kept`` go to the output as they are, so that they must be readable there.
    """
    texts, failures = _texts(rows[settings.text_column], settings.max_text_bytes)
    questions = _strings_of(rows, settings.question_column)
    choices = _lists_of(rows, settings.choices_column)
    seconds = _strings_of(rows, settings.second_text_column)
    too_large = _too_large(texts, questions, choices, settings.max_text_bytes)
    pairs = _too_large_pairs(texts, seconds, settings.max_text_bytes)
    unreadable = _unreadable(rows.select(kept))
    reasons = zip(failures, too_large, pairs, unreadable, strict=True)
    failures = [next(filter(None, own), None) for own in reasons]
    origin = pa.array([unit.to_json()]).dictionary_encode()
    yield schema.RECORD_ID, record_ids(rows, unit, settings)
    yield schema.UNIT, origin.take(pa.array([0] * unit.rows, pa.int32()))
    yield schema.ROW, pa.array(range(unit.start, unit.stop), pa.int64())
    yield schema.TEXT, texts
    yield schema.TAG, _strings_of(rows, settings.language_column)
    yield schema.PRIOR, _strings_of(rows, settings.language_prior_column)
    yield schema.QUESTION, questions
    yield schema.CHOICES, choices
    yield schema.SECOND, seconds
    yield schema.ERROR, failure_column(failures)


def record_ids(rows: pa.Table, unit: Unit, settings: InputSettings) -> pa.Array:
    """The id column as strings; file and row where there is no such column, or a null in it."""
    places = pa.array([f"{unit.source.uri}#{row}" for row in range(unit.start, unit.stop)])
    if settings.id_column is None:
        return places
    return pc.coalesce(_as_strings(rows[settings.id_column]), places)


def _strings_of(rows: pa.Table, column: str | None) -> pa.Array | pa.ChunkedArray:
    """The column as strings, nulls where there is none; lists as their items, ``|`` between."""
    if column is None:
        return pa.nulls(rows.num_rows, pa.string())
    values = rows[column]
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        lists = values.combine_chunks()
        items = _as_strings(pa.chunked_array([lists.flatten()])).to_pylist()
        return pa.array(_joined(items, pc.list_value_length(lists).to_pylist()), pa.string())
    return _as_strings(values)


def _lists_of(rows: pa.Table, column: str | None) -> pa.Array:
    """The column as lists of strings, nulls where there is none."""
    if column is None:
        return pa.nulls(rows.num_rows, schema.CHOICES.type)
    lists = rows[column].combine_chunks()
    items = iter(_as_strings(pa.chunked_array([lists.flatten()])).to_pylist())
    lengths = pc.list_value_length(lists).to_pylist()
    values = [None if length is None else list(islice(items, length)) for length in lengths]
    return pa.array(values, schema.CHOICES.type)


def _joined(items: list[str | None], lengths: list[int | None]) -> Iterator[str | None]:
    """``items`` of several lists as one string a list; null items are passed over."""
    rest = iter(items)
    for length in lengths:
        own = [item for item in islice(rest, length or 0) if item is not None]
        yield None if length is None else "|".join(own)


def _as_strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """``column`` as strings, null where a value is not UTF-8."""
    try:
        values = column.cast(pa.string())
        values.validate(full=True)
    except pa.ArrowInvalid:
        decoded = [_decoded(value)[0] for value in _bytes(column)]
        return pa.chunked_array([pa.array(decoded, pa.string())])
    return values


def _texts(column: pa.ChunkedArray, max_bytes: int) -> tuple[pa.Array, list[Failure | None]]:
    """Texts that can be used, null elsewhere, and why a text cannot be used."""
    decoded = [_decoded(value, max_bytes) for value in _bytes(column)]
    return pa.array([text for text, _ in decoded], pa.string()), [why for _, why in decoded]


def _too_large(
    texts: pa.Array, questions: pa.Array | pa.ChunkedArray, choices: pa.Array, max_bytes: int
) -> Iterator[Failure | None]:
    """Why a record is too large with what is asked of it: each choice is read beside the text."""
    if questions.null_count == choices.null_count == len(texts):
        yield from (None for _ in texts)
        return
    lengths = (
        pc.fill_null(pc.binary_length(column), 0).to_pylist() for column in (texts, questions)
    )
    for text, question, options in zip(*lengths, choices.to_pylist(), strict=True):
        own = sum(len(option.encode()) for option in options or () if option)
        size = (text + question) * len(options or ("alone",)) + own
        yield (
            None
            if size <= max_bytes
            else _failure(
                "QuestionTooLarge",
                f"The question and the choices, with the text once for each choice, have {size} "
                f"bytes; expected at most {max_bytes}. Set input.max_text_bytes.",
            )
        )


def _too_large_pairs(
    texts: pa.Array, seconds: pa.Array | pa.ChunkedArray, max_bytes: int
) -> Iterator[Failure | None]:
    """Why a record is too large with its second text."""
    lengths = [pc.fill_null(pc.binary_length(column), 0).to_pylist() for column in (texts, seconds)]
    for own, second in zip(*lengths, strict=True):
        yield (
            None
            if second == 0 or own + second <= max_bytes
            else _failure(
                "SecondTextTooLarge",
                f"The text and the second text have {own + second} bytes; expected at most "
                f"{max_bytes}. Set input.max_text_bytes.",
            )
        )


def _unreadable(kept: pa.Table) -> list[Failure | None]:
    """Why the output's readers could not read a record: DuckDB refuses the whole file."""
    failures: list[Failure | None] = [None] * kept.num_rows
    for name in kept.column_names:
        for row in rows_with(not_utf8, kept[name]).nonzero()[0]:
            failures[row] = _failure(
                "NotUtf8",
                f"Column {name!r} is not UTF-8. Mend the file's encoding, or leave the column out "
                "of input.keep_columns.",
            )
    return failures


def _bytes(column: pa.ChunkedArray) -> Iterator[bytes | None]:
    return iter(column.cast(pa.binary()).to_pylist())


def _decoded(
    value: bytes | None, max_bytes: int | None = None
) -> tuple[str | None, Failure | None]:
    if value is None:
        return None, _failure("NullText", "The text is null; expected a string.")
    if max_bytes is not None and len(value) > max_bytes:
        return None, _failure(
            "TextTooLarge",
            f"The text has {len(value)} bytes; expected at most {max_bytes}. "
            "Set input.max_text_bytes.",
        )
    try:
        return value.decode("utf-8"), None
    except UnicodeDecodeError as error:
        return None, _failure(
            "NotUtf8", f"Byte {error.start} of the text is not UTF-8. Mend the file's encoding."
        )


def _failure(error_type: str, message: str) -> Failure:
    return Failure("read", error_type, message)
