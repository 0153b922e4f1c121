"""What is made of runs, and the corpora that they are over."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import scale
from benchmarks.fresh import fresh
from benchmarks.harness import Spread
from benchmarks.planning import small_files
from benchmarks.scale import DEMO_RECORDS, WARM, Run, demo_copies, growth, times_as_long


def a_run(units: int, *, seconds: float, start: float = 30, megabytes: float = 0) -> Run:
    """Units of two records, ``seconds`` each, after ``start``; ``megabytes`` stay of each."""
    commits = [(start + seconds * unit, 2, 600 + megabytes * unit) for unit in range(1, units + 1)]
    return Run(commits, ended=commits[-1][0])


def test_seconds_leave_out_the_start():
    run = a_run(WARM + 12, seconds=3, start=100)
    assert run.records == 2 * (WARM + 12)
    assert run.seconds == pytest.approx(3 * (WARM + 12))
    assert run.rate == pytest.approx(2 / 3)


def test_ten_times_compares_jobs_of_one_round():
    small = [a_run(20, seconds=1, start=10), a_run(20, seconds=9)]
    large = [a_run(200, seconds=1.02, start=90), a_run(200, seconds=9)]
    found = times_as_long(small, large)
    assert (found.low, found.high) == pytest.approx((10.0, 10.2))


def test_growth_compares_the_driver_with_many_units_and_few():
    assert growth([a_run(1000, seconds=1)], 10, 1000) == Spread.of([1.0])
    assert growth([a_run(1000, seconds=1, megabytes=0.1)], 10, 1000) == Spread.of([700 / 601])


def test_demo_copies_number_each_record_anew(tmp_path):
    demo_copies(tmp_path / "corpus", 2)
    ids = pq.read_table(tmp_path / "corpus")["doc_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 2 * DEMO_RECORDS


def test_sides_of_planning_find_all_small_files(tmp_path):
    small_files(tmp_path / "corpus", 120)
    for side in ("survey", "plain"):
        found = fresh("benchmarks.planning:measure", side, tmp_path / "corpus")
        assert found["files"] == 120
        assert found["megabytes"] > 10


def test_command_runs_both_jobs_in_turns_and_keeps_what_it_found(tmp_path, monkeypatch):
    def annotate(corpus: Path, out: Path, **runtime: object) -> Run:
        units = pq.read_metadata(corpus / "corpus.parquet").num_rows // 2
        return a_run(units, seconds=1)

    monkeypatch.setattr(scale, "annotate", annotate)
    scale.records(copies=2, rounds=2, out=tmp_path)
    text = (tmp_path / "scale_records.md").read_text()
    assert "| time of the larger job over that of the smaller | 10.00 × |" in text
    assert "| 736 records | 368 |" in text
