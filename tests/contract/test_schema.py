"""Columns, and what a stage is held to."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pytest

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.errors import StageError
from pipeline.stages.stage import add_columns, not_failed, run_stage, with_failures

FAILURE = Failure("s", "E", "m")
EXTRA = pa.field("extra", pa.list_(schema.ENTITY))


@dataclass
class Step:
    """A stage that does what a test says."""

    does: Callable[[pa.Table], pa.Table]
    name: str = "step"
    consumes: tuple[str, ...] = ("_text",)
    produces: tuple[pa.Field, ...] = (EXTRA,)

    def __call__(self, table: pa.Table) -> pa.Table:
        return self.does(table)


def block(*texts: str) -> pa.Table:
    nothing = pa.nulls(len(texts), schema.FAILURE)
    return pa.table({"_text": pa.array(texts, pa.string()), "_error": nothing})


def with_extra(table: pa.Table) -> pa.Table:
    return add_columns(table, [EXTRA], [[None] * table.num_rows])


def test_run_stage_that_keeps_its_word_gives_its_result():
    result = run_stage(Step(with_extra), block("a", "b"))
    assert result.column_names == ["_text", "_error", "extra"]


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (lambda table: with_extra(table).slice(1), "returned 1 rows for 2"),
        (lambda table: pa.concat_tables([with_extra(table)] * 2), "returned 4 rows for 2"),
        (lambda table: table, "needs columns extra"),
        (lambda table: with_extra(table).drop_columns(["_text"]), "needs columns _text"),
    ],
    ids=["drops a row", "adds rows", "lacks its column", "drops a column"],
)
def test_run_stage_that_breaks_its_word_is_refused(
    does: Callable[[pa.Table], pa.Table], expected: str
):
    with pytest.raises(StageError, match=f"Stage step {expected}"):
        run_stage(Step(does), block("a", "b"))


def test_run_stage_without_what_it_consumes_is_not_run():
    step = Step(with_extra, consumes=("_text", "lang_id", "n_tokens"))
    with pytest.raises(StageError, match="Stage step needs columns lang_id, n_tokens; the block"):
        run_stage(step, block("a"))


def test_add_empty_and_full_lists_have_one_type():
    entity = {"label": "LOC", "text": "x", "start": 0, "end": 1, "score": 0.5}
    types = {
        add_columns(block("a"), [EXTRA], [[value]]).schema.field("extra").type
        for value in ([], None, [entity])
    }
    assert types == {EXTRA.type}


def test_add_value_of_another_type_is_refused():
    with pytest.raises(pa.ArrowInvalid):
        add_columns(block("a"), [pa.field("n", pa.int32())], [["many"]])


def test_add_more_columns_than_fields_is_refused():
    with pytest.raises(ValueError, match="zip"):
        add_columns(block("a"), [EXTRA], [[None], [None]])


def test_with_failures_first_failure_of_a_record_stays():
    first = with_failures(block("a", "b", "c"), [FAILURE, None, None])
    later = Failure("later", "E", "m")
    second = with_failures(first, [later, later, None])
    assert second["_error"].to_pylist() == [FAILURE.as_row(), later.as_row(), None]
    assert second.schema.field("_error") == schema.ERROR


def test_sound_is_false_where_a_record_failed():
    table = with_failures(block("a", "b"), [None, FAILURE])
    assert not_failed(table).to_pylist() == [True, False]


def test_reserved_covers_what_the_output_adds():
    added = {field.name for field in (*schema.LANGUAGE_FIELDS, *schema.TOKEN_FIELDS)}
    assert added | {"record_id", "entities", "embedding"} <= schema.RESERVED
    assert "text" not in schema.RESERVED


def test_quarantine_has_a_pointer_and_a_reason_and_no_text():
    names = ["record_id", "file", "row", "stage", "error_type", "message"]
    assert schema.QUARANTINE.names == names


def test_windows_field_is_hidden_and_numbered():
    assert schema.windows_field(2).name == "_windows_2"
    assert schema.windows_field(0).type == pa.list_(schema.WINDOW)
