"""The records that are shown."""

from collections import Counter

import pyarrow as pa
import pytest

from pipeline.contract import schema
from pipeline.reporting.page import PageLimits
from pipeline.reporting.page.columns import columns_of
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.sample import balanced, read_records
from pipeline.reporting.page.shown import Piece, Shown, Verdict
from pipeline.storage import Store
from tests.helpers.finished import LABEL, SCORE, entity, finish

TEXT = "زار محمد القاهرة"


def sample(store: Store, **limits: object) -> tuple[Shown, ...]:
    output = read_output(store)
    return read_records(output, columns_of(output), PageLimits(**limits))


def test_balanced_takes_one_of_each_before_two_of_any():
    assert rows_of(["de", "de", "de", "fr", "ja", "fr"], 4) == [0, 3, 4, 1]
    assert rows_of(["de", None], 9) == [0, 1]
    assert rows_of([], 3) == []


def test_balanced_takes_regions_of_a_language_together():
    assert rows_of(["pt-BR", "pt-PT", "de"], 2) == [0, 2]


def rows_of(tags: list[str | None], most: int) -> list[int]:
    table = pa.table({"language": pa.array(tags, pa.string()), "row": range(len(tags))})
    return balanced(table, most)["row"].to_pylist()


def test_sample_has_as_many_of_each_language_as_can_be(local_store: Store):
    finish(local_store, rows=9, language=["de"] * 7 + ["fr", "ja"])
    found = sample(local_store, records=4)
    assert Counter(record.tag for record in found) == {"de": 2, "fr": 1, "ja": 1}


def test_sample_marks_entities_in_the_text(local_store: Store):
    found = entity(TEXT, "القاهرة")
    finish(local_store, rows=1, text=[TEXT], language=["ar"], entities=[[found]])
    (record,) = sample(local_store)
    assert record.pieces == (Piece("زار محمد "), Piece("القاهرة", "LOC", 0.75))
    assert (record.tag, record.is_cut) == ("ar", False)


def test_sample_cuts_a_text_by_code_points(local_store: Store):
    texts = ["𝔘" * 50, "x" * 20]
    finish(local_store, rows=2, text=texts, entities=[[], []], language=["de", "fr"])
    long, short = sample(local_store, characters=20)
    assert (long.pieces, long.is_cut) == ((Piece("𝔘" * 20),), True)
    assert (short.pieces, short.is_cut) == ((Piece("x" * 20),), False)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_sample_reads_any_string_type(local_store: Store, kind: pa.DataType):
    body = pa.field("body", kind)
    echo = {"input": {"text_column": "body", "keep_columns": "all"}}
    finish(local_store, rows=1, given={body: [TEXT]}, without=["text"], echo=echo, entities=[[]])
    assert sample(local_store)[0].pieces == (Piece(TEXT),)


def test_sample_shows_entities_by_themselves_where_texts_were_not_kept(local_store: Store):
    finish(local_store, rows=1, without=["text"], entities=[[entity(TEXT, "محمد", "PER")]])
    (record,) = sample(local_store)
    assert record.pieces == (Piece("محمد", "PER", 0.75),)


def test_sample_says_what_each_task_says(local_store: Store):
    answer = {"text": "Anna", "start": 0, "end": 4, "score": 0.5}
    tasks = {
        LABEL: ["art"],
        SCORE: [0.25],
        pa.field("best_choice", pa.int32()): [2],
        pa.field("who_answers", pa.list_(schema.ANSWER)): [[answer, answer]],
        pa.field("continuation", pa.string()): ["and so on"],
    }
    finish(local_store, rows=1, tasks=tasks)
    (record,) = sample(local_store)
    assert record.verdicts == (Verdict("topic", "art", 0.25), Verdict("best", "2", None))
    assert record.answers == (Verdict("who", "Anna", 0.5),)
    assert record.continuation == "and so on"


def test_sample_without_texts_is_empty(local_store: Store):
    assert sample(finish(local_store), texts=False) == ()


def test_sample_is_bounded(local_store: Store):
    finish(local_store, rows=30)
    assert len(sample(local_store, records=3)) == 3
    assert sample(local_store, records=0) == ()


def test_sample_of_nothing_is_empty(local_store: Store):
    finish(local_store, rows=2, failed=[0, 1])
    assert sample(local_store) == ()
