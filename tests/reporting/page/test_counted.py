"""Counts by language."""

import pyarrow as pa
import pytest

from pipeline.reporting.page.counted import Counted, Quartiles, Route, read_counted, total
from pipeline.reporting.page.known_columns import columns_of
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
    assert counted(local_store).of("topic_label") == {
        "German (de)": {"art": 2},
        "Unknown language (und)": {"sport": 1},
    }


def test_counted_has_entities_by_language_and_label(local_store: Store):
    text = "Anna in Berlin"
    found = [entity(text, "Anna", "PER"), entity(text, "Berlin"), entity(text, "Berlin")]
    finish(local_store, rows=3, language=["de", "fr", "de"], entities=[found, [], found[:1]])
    assert counted(local_store).of("entities") == {"German (de)": {"LOC": 2, "PER": 2}}


def test_counted_puts_lengths_in_ranges_that_double(local_store: Store):
    finish(local_store, rows=8, n_tokens=[0, 1, 2, 3, 4, 5, 8, 9])
    assert counted(local_store).in_doublings("n_tokens") == {
        "0": 1,
        "1": 1,
        "2": 1,
        "3–4": 2,
        "5–8": 2,
        "9–16": 1,
    }


def test_counted_knows_what_was_truncated(local_store: Store):
    finish(local_store, rows=3, truncated=[True, False, True])
    assert counted(local_store).truncated() == 2


def test_counted_gives_quartiles_of_finite_numbers(local_store: Store):
    scores = [0.0, 0.5, 1.0, float("nan"), None]
    finish(local_store, rows=5, language=["de"] * 5, tasks={LABEL: ["a"] * 5, SCORE: scores})
    assert counted(local_store).quartiles("topic_score") == {
        "German (de)": Quartiles(0.25, 0.5, 0.75)
    }


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
    assert counted(finish(local_store, rows=6), most=4).rows == 4


def test_counted_of_an_output_without_records_is_empty(local_store: Store):
    finish(local_store, rows=2, failed=[0, 1])
    found = counted(local_store)
    assert (found.rows, found.in_doublings("n_tokens"), found.of("entities")) == (0, {}, {})
    assert (found.quartiles("language_score"), found.routes(), found.truncated()) == ({}, [], 0)


@pytest.mark.parametrize("kind", [pa.int32(), pa.string()])
def test_counted_takes_a_choice_as_it_takes_a_label(local_store: Store, kind: pa.DataType):
    name = "best_choice" if kind == pa.int32() else "best_label"
    finish(
        local_store, rows=2, tasks={pa.field(name, kind): pa.array([1, 1]).cast(kind).to_pylist()}
    )
    assert total(counted(local_store).of(name)) == {"1": 2}
