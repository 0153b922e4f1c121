"""Rows of entities and labels from a part."""

import dataclasses
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.tables.rows import Entities, Labels, languages_of
from tests.helpers.enriched import day_of, made, source_of


def test_entities_have_a_row_an_entity_with_its_place_among_them(tmp_path: Path):
    source = source_of(tmp_path)
    found = [{"label": "LOC", "text": t, "start": 0, "end": 1, "score": 0.5} for t in "abc"]
    part = pa.table(
        {
            "record_id": ["x", "y", "z"],
            "language": pa.array(["de", None, "fr"]),
            "published": pa.array([dt.date(2026, 1, 2)] * 3),
            "entities": pa.array(
                [found[:2], [], found[2:]], source.origin.schema.field("entities").type
            ),
        }
    )
    rows = Entities().rows(part, source.parts[0], source.origin).to_pylist()
    seen = [(row["record_id"], row["ordinal"], row["text"], row["task"]) for row in rows]
    assert seen == [("x", 0, "a", "ner"), ("x", 1, "b", "ner"), ("z", 0, "c", "ner")]
    assert [row["language"] for row in rows] == ["de", "de", "fr"]
    assert rows[0] == {
        **found[0],
        "source": "demo",
        "record_id": "x",
        "date": dt.date(2026, 1, 2),
        "language_group": None,
        "language": "de",
        "ordinal": 0,
        "task": "ner",
    }


def test_entities_of_a_part_have_the_dates_of_their_records(tmp_path: Path):
    rows = made(Entities(), source_of(tmp_path), part=1).to_pylist()
    assert [row["date"] for row in rows] == [day_of(row) for row in (6, 8, 8, 10)]


def test_entities_where_no_task_finds_any_read_nothing(tmp_path: Path):
    assert Entities().columns(source_of(tmp_path, entities=False).origin) == ()


def test_labels_have_a_row_a_record_and_task(tmp_path: Path):
    rows = made(Labels(), source_of(tmp_path)).to_pylist()
    assert [(row["task"], row["label"]) for row in rows] == [
        ("topic", label) for label in ("news", "sports", "news", "sports", "sports")
    ]
    assert rows[1]["score"] == pytest.approx(0.52)


def test_labels_of_two_tasks_leave_out_what_has_none(tmp_path: Path):
    source = source_of(tmp_path)
    origin = dataclasses.replace(source.origin, labels=("topic", "tone"))
    part = pa.table(
        {
            "record_id": ["x", "y"],
            "language": ["de", "de"],
            "published": [dt.date(2026, 1, 2)] * 2,
            "topic_label": pa.array(["news", None]),
            "topic_score": pa.array([0.5, None], pa.float32()),
            "tone_label": ["calm", "loud"],
            "tone_score": pa.array([0.25, 0.75], pa.float32()),
        }
    )
    rows = Labels().rows(part, source.parts[0], origin).to_pylist()
    assert [(row["record_id"], row["task"], row["label"]) for row in rows] == [
        ("x", "topic", "news"),
        ("x", "tone", "calm"),
        ("y", "tone", "loud"),
    ]


def test_labels_where_no_task_classifies_read_nothing(tmp_path: Path):
    assert Labels().columns(source_of(tmp_path, topic=False).origin) == ()


def test_rows_of_a_record_without_a_language_are_undetermined():
    part = pa.table({"language": pa.array([None, "de"], pa.string())})
    assert languages_of(part).to_pylist() == ["und", "de"]
