"""Which rows are blamed, and that all others are annotated."""

import math
import pickle
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import CheckpointError, TooLargeError
from pipeline.isolation.bisect import (
    MAX_FAILED_ROWS,
    MAX_FAILURES,
    RowsFailedError,
    all_rows_failed,
    annotate_by_pieces,
)
from pipeline.output.blocks import whole_unit
from pipeline.output.publish import Publisher
from pipeline.stages.failure import failure_of
from pipeline.stages.measures import StageSeconds
from pipeline.stages.stopwatch import seconds_by_stage, timed
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, make_block, make_unit, rows_in

FAILURE = Failure("annotate", "ProcessDied", "died")


@dataclass
class Attempts:
    """Annotates rows of ``unit`` unless a guilty one is among them; ``flaky`` rows fail once."""

    unit: Unit
    guilty: Iterable[int] = ()
    flaky: set[int] = field(default_factory=set)
    asked: Counter[tuple[int, int]] = field(default_factory=Counter)
    failed: Counter[tuple[int, int]] = field(default_factory=Counter)

    def __call__(self, start: int, stop: int) -> pa.Table:
        self.asked[start, stop] += 1
        rows = set(range(start, stop))
        if rows & set(self.guilty) or (stop - start == 1 and rows & self.flaky):
            self.flaky -= rows
            self.failed[start, stop] += 1
            raise RowsFailedError(FAILURE)
        return make_block(replace(self.unit, start=start, stop=stop))

    def block(self) -> pa.Table:
        return annotate_by_pieces(self.unit, self, lambda row: f"id {row}")


def blamed_rows(block: pa.Table) -> list[int]:
    return block.filter(pc.is_valid(block["_error"]))["_row"].to_pylist()


@pytest.mark.parametrize(
    "guilty", [(), (10,), (29,), (17,), (10, 11), (12, 20, 28), tuple(range(10, 30, 2))], ids=str
)
def test_blame_guilty_rows_are_blamed_and_no_others(guilty: tuple[int, ...]):
    unit = make_unit(10, 30)
    block = Attempts(unit, guilty).block()
    assert blamed_rows(block) == list(guilty)
    assert whole_unit(block) == unit
    assert block["_row"].to_pylist() == list(range(10, 30))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_blame_all_rows_guilty_blames_all(size: int):
    unit = make_unit(5, 5 + size)
    block = Attempts(unit, range(5, 5 + size)).block()
    assert blamed_rows(block) == list(range(5, 5 + size))
    assert whole_unit(block) == unit


def test_blame_row_is_blamed_only_after_it_failed_twice_alone():
    attempts = Attempts(make_unit(0, 8), guilty=[3])
    attempts.block()
    assert attempts.asked[3, 4] == 2
    assert {asked for asked in attempts.asked.items() if asked[1] > 1} == {((3, 4), 2)}


def test_blame_unit_of_one_row_is_asked_twice():
    attempts = Attempts(make_unit(4, 5), guilty=[4])
    assert blamed_rows(attempts.block()) == [4]
    assert attempts.asked == {(4, 5): 2}


def test_blame_row_that_fails_once_alone_is_annotated():
    unit = make_unit(0, 1)
    attempts = Attempts(unit, flaky={0})
    assert blamed_rows(attempts.block()) == []
    beside = Attempts(make_unit(0, 8), guilty=[3], flaky={2})
    assert blamed_rows(beside.block()) == [3]


def test_blame_unit_that_fails_only_whole_is_annotated_in_pieces():
    unit = make_unit(0, 8)

    def attempt(start: int, stop: int) -> pa.Table:
        if stop - start > 2:
            raise RowsFailedError(FAILURE)
        return make_block(replace(unit, start=start, stop=stop))

    block = annotate_by_pieces(unit, attempt, str)
    assert blamed_rows(block) == []
    assert whole_unit(block) == unit


def test_blame_each_piece_of_a_healthy_unit_is_asked_once():
    attempts = Attempts(make_unit(0, 100))
    attempts.block()
    assert attempts.asked == {(start, start + 2): 1 for start in range(0, 100, 2)}


@pytest.mark.parametrize("guilty", [1, 3, 10])
def test_blame_attempts_grow_with_guilty_rows_and_the_logarithm_of_all(guilty: int):
    rows = 1024
    attempts = Attempts(make_unit(0, rows), guilty=range(5, rows, rows // guilty))
    found = len(blamed_rows(attempts.block()))
    failures = sum(attempts.failed.values())
    assert failures <= found * (math.ceil(math.log(rows, 64)) + 1)
    assert sum(attempts.asked.values()) <= 64 + found * (64 + 1)


def test_blame_as_many_rows_as_may_be_are_blamed():
    attempts = Attempts(make_unit(0, 100), guilty=range(MAX_FAILED_ROWS))
    assert len(blamed_rows(attempts.block())) == MAX_FAILED_ROWS


@pytest.mark.parametrize("guilty", [MAX_FAILED_ROWS + 1, 64, 100])
def test_blame_rows_are_told_apart_however_many_they_are(guilty: int):
    block = Attempts(make_unit(0, 100), guilty=range(guilty)).block()
    assert blamed_rows(block) == list(range(guilty))
    assert whole_unit(block) == make_unit(0, 100)


def test_blame_of_thousands_of_rows_ends_and_says_how_many_go_together():
    unit = make_unit(0, 10_000)
    attempts = Attempts(unit, guilty=range(10_000))
    block = attempts.block()
    assert blamed_rows(block) == list(range(10_000))
    assert sum(attempts.asked.values()) < 2 * MAX_FAILURES
    failures = block["_error"].to_pylist()
    assert {failure["error_type"] for failure in failures} == {"ProcessDied"}
    assert "One of 109 rows that go to quarantine together" in failures[-1]["message"]


def test_blame_sound_rows_beside_thousands_that_fail_are_annotated():
    unit = make_unit(0, 4096)
    block = Attempts(unit, guilty=range(2048)).block()
    assert blamed_rows(block) == list(range(2048))


def test_blame_ends_once_failed_attempts_took_too_long(monkeypatch: pytest.MonkeyPatch):
    """A unit of rows that all hang: each failed attempt takes a row's whole time limit."""
    clock = [0.0]
    monkeypatch.setattr("pipeline.isolation.bisect.time.monotonic", lambda: clock[0])
    attempts = Attempts(make_unit(0, 10_000), guilty=range(10_000))

    def hang(start: int, stop: int) -> pa.Table:
        clock[0] += 120
        return attempts(start, stop)

    block = annotate_by_pieces(attempts.unit, hang, str, 64 * 120)
    assert blamed_rows(block) == list(range(10_000))
    assert clock[0] <= 65 * 120


def test_blame_time_of_attempts_that_bring_rows_is_not_limited(monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr("pipeline.isolation.bisect.time.monotonic", lambda: clock[0])
    attempts = Attempts(make_unit(0, 100), guilty=[50])

    def slow(start: int, stop: int) -> pa.Table:
        clock[0] += 1
        return attempts(start, stop)

    assert blamed_rows(annotate_by_pieces(attempts.unit, slow, str, 5)) == [50]
    assert clock[0] > 50


def test_rows_failed_error_arrives_from_another_process_as_it_was():
    error = pickle.loads(pickle.dumps(RowsFailedError(FAILURE)))
    assert error.failure == FAILURE


@dataclass
class Sizes:
    """Annotates rows of ``unit`` unless they take more than ``room``; ``deadly`` ones die."""

    unit: Unit
    sizes: list[int]
    room: int = 10
    deadly: Iterable[int] = ()
    asked: int = 0

    def __call__(self, start: int, stop: int) -> pa.Table:
        self.asked += 1
        if set(range(start, stop)) & set(self.deadly):
            raise RowsFailedError(FAILURE)
        if sum(self.sizes[start:stop]) > self.room:
            error = TooLargeError(f"rows {start} to {stop} are too large")
            raise RowsFailedError(failure_of(error, "read"))
        return make_block(replace(self.unit, start=start, stop=stop))


@pytest.mark.parametrize("rows", [9, 20, MAX_FAILED_ROWS, MAX_FAILED_ROWS + 1, 100])
def test_blame_rows_that_are_too_large_are_blamed_however_many(rows: int):
    unit = make_unit(0, rows)
    block = annotate_by_pieces(unit, Sizes(unit, [11] * rows), str)
    assert blamed_rows(block) == list(range(rows))
    assert {error["error_type"] for error in block["_error"].to_pylist()} == {"TooLargeError"}


def test_blame_sound_rows_beside_many_that_are_too_large_are_annotated():
    unit = make_unit(0, 4096)
    large = [row * 100 for row in range(MAX_FAILED_ROWS + 1)]
    sizes = [11 if row in large else 0 for row in range(4096)]
    assert blamed_rows(annotate_by_pieces(unit, Sizes(unit, sizes), str)) == sorted(
        {*large[:-1], *range(3200, 3264)}  # those of the piece that is not taken apart any more
    )


def test_blame_many_rows_that_are_too_large_take_few_attempts():
    unit = make_unit(0, 4096)
    attempts = Sizes(unit, [11] * 4096)
    assert len(blamed_rows(annotate_by_pieces(unit, attempts, str))) == 4096
    assert attempts.asked < 200


def test_blame_rows_that_are_too_large_are_told_from_many_that_die():
    unit = make_unit(0, 100)
    deadly = range(60, 61 + MAX_FAILED_ROWS)
    attempts = Sizes(unit, [11 if row < 60 else 0 for row in range(100)], deadly=deadly)
    block = annotate_by_pieces(unit, attempts, str)
    assert blamed_rows(block) == [*range(60), *deadly]
    kinds = {error["error_type"] for error in block["_error"].to_pylist()[60:] if error}
    assert kinds == {"ProcessDied"}


@pytest.mark.parametrize("kind", [CheckpointError, RuntimeError])
def test_blame_other_exceptions_end_the_search(kind: type[Exception]):
    asked = []

    def attempt(start: int, stop: int) -> pa.Table:
        asked.append((start, stop))
        raise kind("the model")

    with pytest.raises(kind, match="the model"):
        annotate_by_pieces(make_unit(), attempt, str)
    assert asked == [(0, 1)]


def test_blame_exception_of_the_record_id_propagates():
    def record_id(row: int) -> str:
        raise CheckpointError("gone")

    with pytest.raises(CheckpointError):
        annotate_by_pieces(make_unit(), Attempts(make_unit(), [2]), record_id)


def test_blame_blamed_row_has_its_id_and_failure_and_nulls():
    block = Attempts(make_unit(0, 4), guilty=[2]).block()
    row = block.slice(2, 1).to_pylist()[0]
    assert row["record_id"] == "id 2"
    assert row["_error"] == FAILURE.as_row()
    kept = {"record_id", "_row", "_error", "_unit"}
    assert {name for name, value in row.items() if value is not None} == kept
    assert block.schema.field("entities").type == pa.list_(schema.ENTITY)


@pytest.mark.parametrize("guilty", [(), (0,), (2, 5), range(6)], ids=str)
def test_blame_block_is_published_with_its_guilty_rows_in_quarantine(
    local_store: Store, guilty: Iterable[int]
):
    unit = make_unit(0, 6)
    receipt = Publisher(local_store, DECLARED)(Attempts(unit, guilty).block())
    annotated, quarantined = rows_in(local_store, unit)
    assert quarantined == [f"id {row}" for row in guilty]
    assert len(annotated) == 6 - len(quarantined)
    assert receipt["commit"][0].as_py() is not None


def test_blame_seconds_are_those_of_the_attempts_that_brought_rows():
    unit = make_unit(0, 8)
    taken: list[StageSeconds] = []

    def attempt(start: int, stop: int) -> pa.Table:
        if start <= 3 < stop:
            raise RowsFailedError(FAILURE)
        part = replace(unit, start=start, stop=stop)
        block = timed("annotate", lambda: make_block(part))
        taken.append(seconds_by_stage(block)["annotate"])
        return block

    seconds = seconds_by_stage(annotate_by_pieces(unit, attempt, str))
    assert len(taken) == 7
    assert list(seconds) == ["annotate"]
    assert seconds["annotate"].wall == pytest.approx(sum(took.wall for took in taken), abs=1e-5)


def test_all_blamed_marks_every_row_by_its_place():
    unit = make_unit(3, 6)
    block = all_rows_failed(unit, FAILURE)
    assert whole_unit(block) == unit
    assert block["record_id"].to_pylist() == [f"{unit.source.uri}#{row}" for row in (3, 4, 5)]
    assert block["_error"].to_pylist() == [FAILURE.as_row()] * 3


def test_all_blamed_block_is_published_as_quarantine_alone(local_store: Store):
    unit = make_unit(0, 3)
    Publisher(local_store, DECLARED)(all_rows_failed(unit, FAILURE))
    annotated, quarantined = rows_in(local_store, unit)
    assert annotated == []
    assert quarantined == [f"{unit.source.uri}#{row}" for row in range(3)]
