"""A row → a record as the page shows it, its entities marked in its text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.language.tags import UNDETERMINED
from pipeline.reporting.page.columns import Columns, task_of
from pipeline.reporting.run_report import language_name

_MOST_ENTITIES = 60
"""Entities that are shown of a record."""

_MOST_LABELS = 20
"""Labels that are shown of a record and task."""

_LONGEST = 200
"""Characters that are shown of an id, a label, an answer, or an entity without its text."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; ``label`` is None outside of entities."""

    text: str
    label: str | None = None
    score: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The label, choice or answer that ``task`` gave to a record."""

    task: str
    value: str
    score: float | None

    @property
    def name(self) -> str:
        """Task and value, by which records are filtered."""
        return f"{self.task}: {self.value}"


@dataclass(frozen=True)
class Shown:
    """One record; ``language`` is the name of ``tag``.

    ``pieces`` are its text, or where the output has no text column its entities alone.
    """

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
    is_cut: bool = False
    continuation: str = ""


def shown(row: Row, columns: Columns, characters: int) -> Shown:
    """The record in ``row``, with at most ``characters`` of its text."""
    text, continuation = _value(row, columns.text), _value(row, columns.continuation)
    entities = (_value(row, columns.entities) or [])[:_MOST_ENTITIES]
    if text is None:
        parts = tuple(Piece(one["text"][:_LONGEST], one["label"], one["score"]) for one in entities)
    else:
        parts = pieces(text[:characters], entities)
    answers = [(task_of(field.name), (row[field.name] or [])[:1]) for field in columns.answers]
    return Shown(
        record_id=str(row["record_id"])[:_LONGEST],
        tag=row["language"] or UNDETERMINED,
        language=language_name(row["language"]),
        adapter=row["xmod_language"],
        source=row["language_source"],
        language_score=row["language_score"],
        tokens=row["n_tokens"],
        verdicts=tuple(
            Verdict(task_of(field.name), str(value)[:_LONGEST], score)
            for field in columns.labels
            for value, score in _labels(row, field)
        ),
        answers=tuple(
            Verdict(task, one["text"][:_LONGEST], one["score"])
            for task, found in answers
            for one in found
        ),
        pieces=parts,
        is_cut=text is not None and len(text) > characters,
        continuation=(continuation or "")[:characters],
    )


def pieces(text: str, entities: Iterable[Row]) -> tuple[Piece, ...]:
    """``text`` cut at ``entities``, which count code points and are half-open.

    Put together the pieces are the text; an entity that overlaps an earlier one, or is not wholly
    in the text, is left unmarked.
    """
    cut, done = [], 0
    for one in sorted(entities, key=lambda one: (one["start"], -one["end"])):
        start, end = one["start"], one["end"]
        if done <= start < end <= len(text):
            cut += [Piece(text[done:start]), Piece(text[start:end], one["label"], one["score"])]
            done = end
    return tuple(piece for piece in (*cut, Piece(text[done:])) if piece.text)


def _labels(row: Row, field: pa.Field) -> list[tuple[Any, float | None]]:
    """The labels of column ``field``, one or a list of them, each with its score."""
    found, task = row[field.name], task_of(field.name)
    if isinstance(found, list):
        scores = row.get(f"{task}_scores") or [None] * len(found)
        return list(zip(found, scores, strict=True))[:_MOST_LABELS]
    return [] if found is None else [(found, row.get(f"{task}_score"))]


def _value(row: Row, column: pa.Field | None) -> Any:  # noqa: ANN401
    return None if column is None else row[column.name]
