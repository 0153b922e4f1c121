"""Counts by language."""

import pyarrow as pa
import pytest

from pipeline.reporting.page.columns import columns_of
from pipeline.reporting.page.counted import Counted, Grid, Route, read_counted
from pipeline.reporting.page.output import read_output
from pipeline.storage import Store
from tests.helpers.finished import LABEL, SCORE, entity, finish


def counted(store: Store, most: int = 100) -> Counted:
    output = read_output(store)
    return read_counted(output, columns_of(output), most)


def test_counted_has_labels_by_language_with_regions_taken_together(local_store: Store):
    finish(
        local_store,
        rows=4,
        language=["de", "de-AT", None, "fr"],
        tasks={LABEL: ["art", "art", "sport", None], SCORE: [0.5] * 4},
    )
    assert counted(local_store).grid("topic_label").rows == {
        "German (de)": {"art": 2},
        "Unknown language (und)": {"sport": 1},
    }


def test_counted_has_entities_by_language_and_label(local_store: Store):
    text = "Anna in Berlin"
    found = [entity(text, "Anna", "PER"), entity(text, "Berlin"), entity(text, "Berlin")]
    finish(local_store, rows=3, language=["de", "fr", "de"], entities=[found, [], found[:1]])
    assert counted(local_store).grid("entities") == Grid(
        ("LOC", "PER"), {"German (de)": {"LOC": 2, "PER": 2}}, left_out=0
    )


def test_counted_knows_what_was_truncated(local_store: Store):
    finish(local_store, rows=3, truncated=[True, False, True])
    assert counted(local_store).truncated == 2


def test_grid_has_the_most_frequent_values_and_says_how_many_it_leaves_out(local_store: Store):
    labels = [f"v{value:02}" for value in range(14) for _ in range(14 - value)]
    rows = len(labels)
    finish(local_store, rows=rows, language=["de"] * rows, tasks={LABEL: labels})
    found = counted(local_store, rows).grid("topic_label")
    assert (found.columns, found.left_out) == (tuple(f"v{value:02}" for value in range(12)), 2)
    assert found.rows["German (de)"]["v00"] == 14


def test_grid_has_languages_with_most_values_first(local_store: Store):
    languages = ["fr", "de", "de", "ja"]
    finish(local_store, rows=4, language=languages, tasks={LABEL: ["a", "a", "b", None]})
    assert list(counted(local_store).grid("topic_label").rows) == ["German (de)", "French (fr)"]


def test_counted_gives_medians_of_finite_numbers(local_store: Store):
    scores = [0.0, 0.5, 1.0, 0.75, float("nan"), None]
    languages = ["de"] * 4 + ["fr"] * 2
    finish(local_store, rows=6, language=languages, tasks={LABEL: ["a"] * 6, SCORE: scores})
    assert counted(local_store).medians("topic_score") == {"German (de)": 0.625}


def test_counted_lists_where_records_fell_back_to(local_store: Store):
    finish(
        local_store,
        rows=4,
        language=["gl", "gl", "de", "xx"],
        language_source=["related", "related", "detected", "none"],
        language_distance=[0.25, 0.25, None, None],
        xmod_language=["pt_XX", "pt_XX", "de_DE", None],
    )
    assert counted(local_store).routes() == [
        Route("Galician (gl)", "pt_XX", "related", 0.25, 2),
        Route("Unknown language [xx] (xx)", None, "none", None, 1),
    ]


def test_counted_reads_no_more_than_it_is_told(local_store: Store):
    assert counted(finish(local_store, rows=6), most=4).table.num_rows == 4


def test_counted_of_an_output_without_records_is_empty(local_store: Store):
    finish(local_store, rows=2, failed=[0, 1])
    found = counted(local_store)
    assert (found.table.num_rows, found.truncated, found.routes()) == (0, 0, [])
    assert (found.medians("language_score"), found.grid("entities")) == ({}, None)


@pytest.mark.parametrize("kind", [pa.int32(), pa.string()])
def test_counted_takes_a_choice_as_it_takes_a_label(local_store: Store, kind: pa.DataType):
    name = "best_choice" if kind == pa.int32() else "best_label"
    finish(
        local_store, rows=2, tasks={pa.field(name, kind): pa.array([1, 1]).cast(kind).to_pylist()}
    )
    assert counted(local_store).grid(name).columns == ("1",)
