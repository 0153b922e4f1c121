"""When a job has lost too much, and what it says then."""

import pytest

from pipeline.errors import LossError
from pipeline.output.commit import CommitRecord
from pipeline.output.publish import Publisher
from pipeline.output.quarantine_limit import QuarantineLimit
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, make_block, make_unit


def commit(store: Store, start: int, stop: int, failed: int) -> CommitRecord:
    """The record of a unit whose first ``failed`` rows are in quarantine."""
    block = make_block(make_unit(start, stop), failed=range(start, start + failed))
    receipt = Publisher(store, DECLARED)(block)
    return CommitRecord.model_validate_json(receipt["commit"][0].as_py())


def judge(store: Store, share: float, rows: int, failed: int, *, of: int | None = None) -> None:
    limit = QuarantineLimit(store, share, rows if of is None else of)
    limit.add(commit(store, 0, rows, failed))
    limit.require()


@pytest.mark.parametrize(
    ("share", "rows", "failed"),
    [(0.1, 5, 1), (0.1, 1, 1), (0.1, 100, 10), (0.5, 8, 4), (1, 100, 100), (0, 10, 0)],
)
def test_limit_is_kept(local_store: Store, share: float, rows: int, failed: int):
    judge(local_store, share, rows, failed)


@pytest.mark.parametrize(
    ("share", "rows", "failed"),
    [(0.1, 4, 4), (0.1, 10, 2), (0.1, 100, 11), (0.5, 20, 11), (0, 100, 1)],
)
def test_limit_is_passed(local_store: Store, share: float, rows: int, failed: int):
    with pytest.raises(LossError, match=r"runtime\.max_quarantined"):
        judge(local_store, share, rows, failed)


def test_limit_stops_a_job_before_its_end_and_not_at_its_first_bad_file(local_store: Store):
    judge(local_store, 0.1, 20, 20, of=2000)
    with pytest.raises(LossError):
        judge(local_store, 0.1, 20, 20, of=100)


def test_limit_lets_a_job_go_on_whose_bad_records_all_come_first(local_store: Store):
    """A folder for each language, of which the first has no adapter: 8 of 100 in the end."""
    limit = QuarantineLimit(local_store, 0.1, 100)
    for start in (0, 4):
        limit.add(commit(local_store, start, start + 4, 4))
        limit.require()


def test_limit_says_the_reason_of_most_records_and_three_places(local_store: Store):
    limit = QuarantineLimit(local_store, 0.1, 60)
    for start in range(0, 60, 20):
        limit.add(commit(local_store, start, start + 20, 10))
    with pytest.raises(LossError) as raised:
        limit.require()
    message = str(raised.value)
    assert message.startswith("30 of 60 records are in quarantine")
    assert "30 of them for ValueError" in message
    assert message.count("file:///corpus/a.parquet row ") == 3
    assert "annotate: no" in message
    assert "Berlin" not in message


def test_limit_of_an_output_whose_quarantine_is_gone_is_said_all_the_same(local_store: Store):
    record = commit(local_store, 0, 20, 20)
    assert record.quarantine is not None
    local_store.delete([record.quarantine.path])
    limit = QuarantineLimit(local_store, 0.1, 20)
    limit.add(record)
    with pytest.raises(LossError, match="20 of them for ValueError"):
        limit.require()


def test_limit_counts_a_unit_once(local_store: Store):
    limit = QuarantineLimit(local_store, 0.5, 8)
    record = commit(local_store, 0, 8, 4)
    for _ in range(3):
        limit.add(record)
    limit.require()
    assert limit.counted == {record.unit_id}


def test_limit_does_not_count_damaged_files_that_were_to_be_left_out(local_store: Store):
    record = commit(local_store, 0, 20, 20)
    limit = QuarantineLimit(local_store, 0.1, 20)
    limit.add(record.model_copy(update={"reasons": {"DamagedError": 20}}))
    limit.require()
