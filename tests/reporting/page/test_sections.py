"""An output's parts of the page."""

import json

from pipeline.reporting.page import PageLimits
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.sections import Page, page_of
from pipeline.storage import Store
from tests.helpers.finished import LABEL, SCORE, finish


def page(store: Store, **limits: object) -> Page:
    return page_of(read_output(store), PageLimits(**limits))


def test_page_has_what_the_output_has(local_store: Store):
    finish(local_store, failed=[1], tasks={LABEL: ["art"] * 6, SCORE: [0.5] * 6})
    found = page(local_store)
    assert found.entities.columns == ("LOC",)
    assert list(found.labels) == ["topic"]
    assert found.medians == {"topic_score": {"German (de)": 0.5, "French (fr)": 0.5}}
    assert found.map is not None
    assert found.has_text
    assert found.counted.table.num_rows == found.output.report.rows_out == 5
    assert {record.verdicts[0].name for record in found.records} == {"topic: art"}


def test_page_leaves_out_what_the_output_does_not_have(local_store: Store):
    found = page(finish(local_store, without=["entities", "embedding", "text"]))
    assert (found.entities, found.labels, found.medians, found.map) == (None, {}, {}, None)
    assert (found.pointers, found.has_text) == ([], False)


def test_page_points_to_the_records_in_quarantine(local_store: Store):
    found = page(finish(local_store, failed=[4, 1]))
    assert [(one["row"], one["file"], one["stage"]) for one in found.pointers] == [
        (1, "file:///corpus/a.parquet", "annotate"),
        (4, "file:///corpus/a.parquet", "annotate"),
    ]


def test_page_bounds_its_pointers(local_store: Store):
    found = page(finish(local_store, failed=[0, 1, 2, 3]), pointers=3)
    assert len(found.pointers) == 3
    assert page(local_store, pointers=0).pointers == []


def test_page_says_what_ran(local_store: Store):
    found = page(finish(local_store))
    told = dict(found.facts)
    assert (told["Language detector"], told["Fallback"]) == ("cascade", "related")
    assert told["Finished"] == "2026-01-02 03:04 UTC"
    assert "Default language" not in told
    (task,) = found.tasks
    assert (task.name, task.type, task.weights) == ("ner", "ner", "a" * 12)
    assert task.settings == "min_score 0.0"


def test_page_shows_cost_where_the_report_counts_it(local_store: Store):
    finish(local_store)
    report = json.loads(local_store.read("run_report.json"))
    report["cost"] = {"cpu_hours": 1.5, "gpu_hours": 0, "money": 2, "currency": "EUR"}
    local_store.replace("run_report.json", json.dumps(report).encode())
    assert dict(page(local_store).facts)["Resources of the last run"] == "1.5 CPU hours, 2.00 EUR"
