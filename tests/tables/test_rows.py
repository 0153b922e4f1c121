"""Rows of entities, labels and documents from a part, and which columns documents have."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config.tables import DocumentSettings
from pipeline.errors import ConfigError
from pipeline.tables.rows import Documents, Entities, Labels, languages_of, require_columns
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
    rows = Entities().rows(part, source.parts[0]).to_pylist()
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


def test_labels_of_a_list_have_a_row_each(tmp_path: Path):
    """Another task may write a column whose name is that of such a list."""
    source = source_of(tmp_path)
    lists = {"tags_labels": pa.list_(pa.string()), "tags_scores": pa.list_(pa.float32())}
    seen = pa.schema(
        [*source.origin.schema, *lists.items(), pa.field("topic_labels", pa.float32())]
    )
    origin = dataclasses.replace(source.origin, labels=("topic", "tags"), schema=seen)
    assert Labels().findings(origin) == ("topic_label", "topic_score", *lists)
    part = pa.table(
        {
            "record_id": ["x", "y", "z", "q"],
            "language": ["de", "de", "fr", None],
            "published": [dt.date(2026, 1, 2)] * 4,
            "topic_label": pa.array(["news", None, None, None]),
            "topic_score": pa.array([0.5, None, None, None], pa.float32()),
            "tags_labels": pa.array([["a", "b"], [], None, ["b"]], lists["tags_labels"]),
            "tags_scores": pa.array([[0.75, 0.5], [], None, [0.625]], lists["tags_scores"]),
        }
    )
    rows = Labels().rows(part, dataclasses.replace(source.parts[0], origin=origin)).to_pylist()
    assert [tuple(row[k] for k in ("record_id", "task", "label", "score")) for row in rows] == [
        ("x", "topic", "news", 0.5),
        ("x", "tags", "a", 0.75),
        ("x", "tags", "b", 0.5),
        ("q", "tags", "b", 0.625),
    ]


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
    rows = Labels().rows(part, dataclasses.replace(source.parts[0], origin=origin)).to_pylist()
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


def documents(**settings: Any) -> Documents:
    return Documents(DocumentSettings(**settings))


def test_documents_have_a_row_a_record(tmp_path: Path):
    source = source_of(tmp_path)
    rows = made(documents(), source).to_pylist()
    assert [row["record_id"] for row in rows] == [
        f"file:///corpus/a.parquet#{row}" for row in (0, 2, 3, 4, 5)
    ]
    assert {key: rows[0][key] for key in ("source", "file", "unit_id", "date", "language")} == {
        "source": "demo",
        "file": "file:///corpus/a.parquet",
        "unit_id": source.parts[0].unit_id,
        "date": day_of(0),
        "language": "de",
    }
    assert [row["n_entities"] for row in rows] == [2, 1, 0, 2, 0]
    assert [row["topic_label"] for row in rows] == ["news", "sports", "news", "sports", "sports"]


def test_documents_keep_columns_of_the_input_but_the_text(tmp_path: Path):
    names = made(documents(), source_of(tmp_path)).column_names
    assert names[names.index("n_entities") + 1 :] == [
        "published",
        "outlet",
        "visits",
        "topic_label",
        "topic_score",
    ]


def test_documents_with_text_have_it(tmp_path: Path):
    rows = made(documents(text=True), source_of(tmp_path))
    assert rows["text"][0].as_py() == "Berlin 0"


def test_documents_keep_the_columns_that_are_named(tmp_path: Path):
    source = source_of(tmp_path)
    chosen = documents(keep_columns=("text", "outlet"), task_columns=("embedding",))
    names = made(chosen, source).column_names
    assert names[names.index("n_entities") + 1 :] == ["outlet", "text", "embedding"]


def test_documents_all_task_columns_are_vectors_too_as_plain_lists(tmp_path: Path):
    rows = made(documents(task_columns="all"), source_of(tmp_path))
    assert rows["embedding"].type.equals(pa.list_(pa.field("element", pa.float32())))
    assert rows["embedding"][0].as_py() == [0.5, 0.0]
    assert "entities" not in rows.column_names


@pytest.mark.parametrize("setting", ["keep_columns", "task_columns"])
def test_documents_column_that_no_output_has_is_refused_with_those_that_are(
    tmp_path: Path, setting: str
):
    origin = source_of(tmp_path).origin
    known = {"keep_columns": "outlet", "task_columns": "embedding"}[setting]
    require_columns(DocumentSettings(**{setting: (known,)}), [origin])
    with pytest.raises(ConfigError, match=rf"documents\.{setting} names outlett, .*{known}"):
        require_columns(DocumentSettings(**{setting: (known, "outlett")}), [origin])


def test_documents_column_that_another_output_has_is_passed_over(tmp_path: Path):
    chosen = documents(keep_columns=("outlet", "elsewhere"), task_columns=("perplexity",))
    rows = made(chosen, source_of(tmp_path))
    assert rows.column_names[-1] == "outlet"


def test_documents_keep_all_takes_names_as_wholes(tmp_path: Path):
    origin = dataclasses.replace(source_of(tmp_path).origin, inputs=("a", "outlet"), text="a")
    assert "a" not in documents().columns(origin)


def test_documents_without_entities_do_not_count_any(tmp_path: Path):
    rows = made(documents(), source_of(tmp_path, entities=False))
    assert set(rows["n_entities"].to_pylist()) == {None}


def test_documents_column_of_the_input_that_is_called_entities_is_one_of_the_input(tmp_path: Path):
    source = source_of(tmp_path, entities=False)
    schema = source.origin.schema.append(pa.field("entities", pa.string()))
    origin = dataclasses.replace(source.origin, schema=schema, inputs=("entities", "published"))
    plain = documents()
    values = {name: pa.nulls(1, schema.field(name).type) for name in plain.columns(origin)}
    part = pa.table({**values, "entities": ["many"]})
    (row,) = plain.rows(part, dataclasses.replace(source.parts[0], origin=origin)).to_pylist()
    assert (row["entities"], row["n_entities"]) == ("many", None)
