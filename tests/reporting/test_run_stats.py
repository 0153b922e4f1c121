"""Sums over the units of a run, and what becomes of them stage by stage."""

from functools import reduce

import pytest

from pipeline.contract.schema import STAGES
from pipeline.output.commit import CommitRecord, FileEntry, LanguageCounts
from pipeline.reporting.run_stats import RunStats
from pipeline.stages.measures import MicroBatches, StageSeconds
from tests.helpers.outputs import FINGERPRINT

SOURCE = {"uri": "file:///corpus/a.parquet", "size": 1000, "content": "c"}


def record(rows: int = 10, tokens: int = 200, **stages: tuple[float, float]) -> CommitRecord:
    """The record of a unit whose stages took these seconds, on the clock and of CPU."""
    return CommitRecord(
        unit_id="0",
        unit={"source": SOURCE, "start": 0, "stop": rows},
        fingerprint=FINGERPRINT,
        schema_version=1,
        rows_in=rows,
        rows_out=rows,
        rows_quarantined=0,
        part=FileEntry(path="data/part-0.parquet", bytes=1, sha256="0"),
        quarantine=None,
        counts={"de": LanguageCounts(records=rows, tokens=tokens)},
        stages={
            name: StageSeconds(wall=wall, cpu=cpu, waited=2 * wall)
            for name, (wall, cpu) in stages.items()
        },
        batches=MicroBatches(number=1, tokens=rows, room=40),
    )


def stats(*records: CommitRecord) -> RunStats:
    """The stats of ``records``, the first seen after two seconds, the next after three."""
    seen = enumerate(records, start=2)
    return reduce(lambda so_far, unit: so_far.with_unit(unit[1], unit[0]), seen, RunStats())


def test_effort_units_records_and_tokens_add_up():
    both = stats(record(10, 200), record(30, 100))
    assert (both.units, both.records, both.tokens) == (2, 40, 300)


def test_effort_fill_is_of_the_batches_of_all_units():
    assert stats(record(10), record(30)).batches.fill == 0.5
    assert RunStats().batches.fill is None


def test_effort_first_unit_is_the_first_that_was_seen():
    both = stats(record(), record())
    assert (both.seconds_to_first_unit, both.seconds) == (2, 3)
    assert RunStats().seconds_to_first_unit is None


def test_effort_lines_are_seconds_shares_and_rates_of_each_stage():
    lines = stats(
        record(10, 200, read=(1.0, 0.5), annotate=(3.0, 5.5)),
        record(30, 100, read=(1.0, 0.5), annotate=(7.0, 3.5)),
    ).lines()
    assert list(lines) == list(STAGES)
    assert lines["read"].model_dump() == {
        "seconds": 2.0,
        "cpu_seconds": 1.0,
        "cpu_share": 0.1,
        "waited_seconds": 4.0,
        "records_per_second": 20.0,
        "tokens_per_second": 150.0,
    }
    annotate = lines["annotate"]
    assert (annotate.seconds, annotate.cpu_seconds, annotate.cpu_share) == (10.0, 9.0, 0.9)
    assert (annotate.records_per_second, annotate.tokens_per_second) == (4.0, 30.0)


def test_effort_shares_of_all_stages_are_one():
    times = {stage: (1.0, number + 0.3) for number, stage in enumerate(STAGES)}
    lines = stats(record(**times)).lines()
    assert sum(line.cpu_share for line in lines.values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("nothing", [RunStats(), stats(record())], ids=["no unit", "no seconds"])
def test_effort_without_seconds_has_lines_of_zeros(nothing: RunStats):
    for line in nothing.lines().values():
        assert set(line.model_dump().values()) == {0.0}


def test_effort_tokens_per_second_are_of_the_whole_run():
    assert stats(record(tokens=100), record(tokens=200)).tokens_per_second == 100.0
    assert RunStats().tokens_per_second == 0.0
