"""A row → a record as it is shown.

Enters: a row as a dictionary, and which of its columns the page knows. Leaves: ``Shown``. What
holds: whatever is text in it is bounded; a null is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.language.tags import UNDETERMINED
from pipeline.reporting.page.known_columns import Columns, task_of
from pipeline.reporting.page.marks import Piece, Span, pieces
from pipeline.reporting.run_report import language_name

_MOST_FOUND = 60
"""Entities of a record that are shown; more than a text of the usual length can well have."""

_LONGEST = 200
"""Characters of an id, a label, an answer, or an entity that stands by itself."""


@dataclass(frozen=True)
class Verdict:
    """What a task says of a record: a label, a choice, or an answer."""

    task: str
    value: str
    score: float | None


@dataclass(frozen=True)
class Shown:
    """One record; ``language`` is the name of ``tag``, ``found`` its entities without its text."""

    record_id: str
    tag: str
    language: str
    adapter: str | None
    source: str | None
    language_score: float | None
    tokens: int | None
    verdicts: tuple[Verdict, ...] = ()
    answers: tuple[Verdict, ...] = ()
    pieces: tuple[Piece, ...] = ()
    found: tuple[Piece, ...] = ()
    is_cut: bool = False
    continuation: str | None = None


Row = dict[str, object]


def shown(row: Row, columns: Columns, characters: int) -> Shown:
    """The record in ``row``, with at most ``characters`` of its text."""
    tag = _text(row["language"]) or UNDETERMINED
    text = _text(row[columns.text.name]) if columns.text is not None else None
    spans = _spans(row, columns)
    continuation = columns.continuation and _text(row[columns.continuation.name])
    return Shown(
        record_id=str(row["record_id"])[:_LONGEST],
        tag=tag,
        language=language_name(tag),
        adapter=_text(row["xmod_language"]),
        source=_text(row["language_source"]),
        language_score=_number(row["language_score"]),
        tokens=row["n_tokens"] if isinstance(row["n_tokens"], int) else None,
        verdicts=tuple(_verdicts(row, columns)),
        answers=tuple(_answers(row, columns)),
        pieces=() if text is None else pieces(text[:characters], (span for span, _ in spans)),
        found=tuple(_found(spans)) if text is None else (),
        is_cut=text is not None and len(text) > characters,
        continuation=continuation[:characters] if continuation else None,
    )


def _spans(row: Row, columns: Columns) -> list[tuple[Span, str]]:
    """The record's entities, each with its own text."""
    entities = row[columns.entities.name] if columns.entities is not None else None
    return [
        (Span(each["start"], each["end"], each["label"], each["score"]), each["text"])
        for each in (entities[:_MOST_FOUND] if isinstance(entities, list) else ())
    ]


def _found(spans: list[tuple[Span, str]]) -> Iterator[Piece]:
    for span, text in spans:
        yield Piece(text[:_LONGEST], span.label, span.score)


def _verdicts(row: Row, columns: Columns) -> Iterator[Verdict]:
    for field in (*columns.labels, *columns.choices):
        if (value := row[field.name]) is not None:
            task = task_of(field.name)
            yield Verdict(task, str(value)[:_LONGEST], _number(row.get(f"{task}_score")))


def _answers(row: Row, columns: Columns) -> Iterator[Verdict]:
    for field in columns.answers:
        given = row[field.name]
        for answer in given[:1] if isinstance(given, list) else ():
            text = answer["text"][:_LONGEST]
            yield Verdict(task_of(field.name), text, _number(answer["score"]))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
