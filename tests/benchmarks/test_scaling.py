"""What is made of runs, and the corpora that they are over."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.harness.surroundings import Surroundings, surroundings
from benchmarks.scaling.corpora import DEMO_RECORDS, demo_copies, small_files
from benchmarks.scaling.job import Commit, Run
from benchmarks.scaling.outcomes import Outcome, driver_memory, second_raylet, ten_times
from benchmarks.scaling.planned import planned


@pytest.fixture
def before() -> Surroundings:
    return surroundings()


def a_run(units: int, *, seconds: float, start: float = 30, megabytes: float = 0) -> Run:
    """Units of two records, ``seconds`` each, after ``start``; ``megabytes`` stay of each."""
    commits = [
        Commit(start + seconds * unit, 2, 600 + megabytes * unit) for unit in range(1, units + 1)
    ]
    return Run(tuple(commits), ended=commits[-1].seconds, load=0.5)


def the_figure(outcome: Outcome) -> tuple[float, bool | None]:
    (figure,) = outcome.record.figures
    return round(figure.value.median, 3), figure.reached


def test_seconds_a_record_leaves_out_all_before_the_unit():
    assert a_run(20, seconds=3, start=100).seconds_a_record(after=8) == pytest.approx(1.5)
    assert a_run(20, seconds=3).records == 40


def test_ten_times_compares_jobs_without_their_start(before: Surroundings):
    one, ten = a_run(20, seconds=1, start=10), a_run(200, seconds=1.02, start=90)
    assert the_figure(ten_times(before, [one], [ten])) == (10.2, True)
    assert the_figure(ten_times(before, [one], [a_run(200, seconds=1.1)])) == (11.0, False)


def test_ten_times_compares_jobs_of_one_round(before: Surroundings):
    slow = ([a_run(20, seconds=1), a_run(20, seconds=9)], [a_run(200, seconds=s) for s in (1, 9)])
    assert the_figure(ten_times(before, *slow)) == (10.0, True)


def test_driver_memory_compares_1000_units_with_10(before: Surroundings):
    assert the_figure(driver_memory(before, [a_run(1000, seconds=1)])) == (1.0, True)
    assert the_figure(driver_memory(before, [a_run(1000, seconds=1, megabytes=0.1)])) == (
        round(700 / 601, 3),
        False,
    )


def test_second_raylet_compares_records_a_second(before: Surroundings):
    outcome = second_raylet(before, [a_run(20, seconds=2)], [a_run(20, seconds=1)])
    assert the_figure(outcome) == (2.0, True)
    assert outcome.goals == {"1.8 times one raylet": 1.8}


def test_outcome_is_drawn(before: Surroundings, tmp_path: Path):
    pytest.importorskip("matplotlib")
    ten_times(before, [a_run(20, seconds=1)], [a_run(200, seconds=1)]).draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


def test_demo_copies_number_each_record_anew(tmp_path: Path):
    demo_copies(tmp_path / "corpus", 2)
    ids = pq.read_table(tmp_path / "corpus")["doc_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 2 * DEMO_RECORDS


def test_sides_find_all_small_files(tmp_path: Path):
    small_files(tmp_path / "corpus", 120)
    for side in ("survey", "plain"):
        found = planned(side, tmp_path / "corpus")
        assert found.files == 120
        assert found.megabytes > 10
