"""Seconds that travel with a block, however it is cut and put together."""

import threading
import time

import pyarrow as pa
import pytest

from pipeline.contract import schema
from pipeline.stages.measures import StageSeconds
from pipeline.stages.stopwatch import Stopwatch, seconds_by_stage, timed
from tests.helpers.outputs import make_block, make_unit

WAIT = 0.05


def compute() -> None:
    end = time.thread_time() + WAIT
    while time.thread_time() < end:
        pass


def taken(stage: str = "read", seconds: float = WAIT) -> pa.Table:
    """A block that ``stage`` was at for ``seconds``."""

    def step() -> pa.Table:
        time.sleep(seconds)
        return make_block(make_unit())

    return timed(stage, step)


def test_stopwatch_waiting_takes_time_and_no_cpu():
    watch = Stopwatch()
    time.sleep(WAIT)
    seconds = watch.seconds()
    assert seconds.wall >= WAIT
    assert seconds.cpu < WAIT


def test_stopwatch_computing_takes_both():
    watch = Stopwatch()
    compute()
    seconds = watch.seconds()
    assert min(seconds.wall, seconds.cpu) >= WAIT


def test_stopwatch_threads_of_the_process_count():
    watch = Stopwatch()
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert watch.seconds().cpu >= WAIT


def test_timed_block_has_one_more_column_that_is_not_published():
    block, bare = taken(), make_block(make_unit())
    assert block.drop_columns(["_took_read", "_ended"]).equals(bare)
    assert block.schema.field("_took_read") == schema.took_field("read")


def test_timed_step_that_raises_raises():
    def step() -> pa.Table:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        timed("read", step)


def test_seconds_by_stage_gives_back_what_each_took():
    block = timed("tokenize", taken)
    seconds = seconds_by_stage(block)
    assert list(seconds) == ["read", "tokenize"]
    assert seconds["tokenize"].wall >= seconds["read"].wall >= WAIT


def test_timed_block_that_stood_at_hand_has_waited_for_the_next_stage_alone():
    block = taken("read")
    time.sleep(WAIT)
    block = timed("annotate", lambda: block, block)
    seconds = seconds_by_stage(block)
    assert seconds["read"].waited == 0
    assert WAIT <= seconds["annotate"].waited < 60
    assert block.column_names.count("_ended") == 1


def test_timed_block_that_ended_later_by_another_clock_has_not_waited():
    block = taken("read")
    ahead = pa.array([time.time() + 1000] * block.num_rows)
    block = block.set_column(block.column_names.index("_ended"), schema.ENDED, ahead)
    assert seconds_by_stage(timed("annotate", lambda: block, block))["annotate"].waited == 0


def test_timed_rows_that_no_stage_ended_do_not_hide_when_the_others_did():
    block = pa.concat_tables([taken(), make_block(make_unit())], promote_options="default")
    assert Stopwatch.at(block).waited > 0
    assert Stopwatch.at(make_block(make_unit())).waited == 0


def test_seconds_by_stage_of_a_block_cut_and_joined_are_those_of_the_whole():
    block = taken()
    pieces = [block.slice(0, 1), block.slice(1, 2), block.take([3, 4, 5])]
    joined = seconds_by_stage(pa.concat_tables(pieces))["read"]
    whole = seconds_by_stage(block)["read"]
    assert joined.wall == pytest.approx(whole.wall, abs=1e-5)
    assert joined.cpu == pytest.approx(whole.cpu, abs=1e-5)


def test_seconds_by_stage_of_rows_from_two_attempts_add_up():
    first, second = taken("read"), taken("read", 2 * WAIT)
    joined = pa.concat_tables([first, second])
    assert seconds_by_stage(joined)["read"].wall >= 3 * WAIT


def test_seconds_by_stage_of_rows_that_no_step_brought_are_none():
    block = make_block(make_unit())
    assert seconds_by_stage(block) == {}
    joined = pa.concat_tables([block, taken()], promote_options="default")
    assert seconds_by_stage(joined)["read"].wall >= WAIT
    nothing = joined.slice(0, block.num_rows)
    assert seconds_by_stage(nothing) == {"read": StageSeconds(wall=0, cpu=0)}


def test_seconds_by_stage_of_a_block_without_rows_are_none():
    block = timed("read", lambda: make_block(make_unit()).slice(0, 0))
    assert seconds_by_stage(block) == {"read": StageSeconds(wall=0, cpu=0)}
