"""Stages that workers make of factories."""

import pickle
import subprocess
import sys

import pyarrow as pa
import pytest

from pipeline.stages.failure import failure_in
from pipeline.stages.stage_factory import StageFactory, TimeLimited
from tests.helpers.outputs import make_block, make_unit

MADE: list[str] = []
CLOCKED = ["_took_mark", "_ended"]
"""Columns that are not the same from one run to the next."""


class Mark:
    """A stage that adds a column, and notes that it was made."""

    name = "mark"
    consumes = ("text",)

    def __init__(self, column: str) -> None:
        if column == "broken":
            raise ValueError("Berlin")
        MADE.append(column)
        self.produces = (pa.field(column, pa.bool_()),)

    def __call__(self, table: pa.Table) -> pa.Table:
        return table.append_column(self.produces[0], pa.array([True] * table.num_rows))


def factory(column: str) -> StageFactory:
    return StageFactory("mark", Mark, (column,))


def test_recipe_block_goes_through_the_stage():
    block = factory("a")(make_block(make_unit()))
    assert block["a"].to_pylist() == [True] * 6


def test_recipe_block_says_what_the_stage_took():
    assert factory("a")(make_block(make_unit()))["_took_mark"].null_count == 0


def test_recipe_run_raises_what_the_stage_raises():
    with pytest.raises(ValueError, match="Berlin"):
        factory("broken").run(make_block(make_unit()))


def test_recipe_equal_ones_share_a_stage_and_others_do_not():
    copy = pickle.loads(pickle.dumps(factory("b")))
    assert factory("b").stage() is copy.stage()
    assert factory("c").stage() is not copy.stage()
    assert MADE.count("b") == 1


def test_recipe_is_made_only_where_it_is_used():
    factory("never")
    assert "never" not in MADE


def test_recipe_stage_that_cannot_be_made_is_a_failed_block_without_text():
    failure = failure_in(factory("broken")(make_block(make_unit())))
    assert failure is not None
    assert (failure.stage, failure.error_type) == ("mark", "ValueError")
    assert "Berlin" not in failure.message


def test_recipe_block_without_what_the_stage_needs_is_a_failed_block():
    failure = failure_in(factory("d")(make_block(make_unit()).drop_columns(["text"])))
    assert failure is not None
    assert failure.error_type == "StageError"


def test_limited_recipe_in_time_leaves_what_the_recipe_does():
    block = make_block(make_unit())
    limited = TimeLimited(factory("a"), timeout=60)(block)
    assert limited.drop_columns(CLOCKED).equals(factory("a")(block).drop_columns(CLOCKED))


def test_limited_recipe_that_takes_longer_ends_its_process():
    program = """
import time, pyarrow as pa
from pipeline.stages.stage_factory import TimeLimited, StageFactory
class Hang:
    name, consumes, produces = "hang", (), ()
    def __call__(self, table):
        time.sleep(60)
TimeLimited(StageFactory("hang", Hang, ()), timeout=0.1)(pa.table({"_unit": ["u"]}))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=50)
    assert ended.returncode == 1
    assert b"Timeout" in ended.stderr
