"""What a sample says of a corpus."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.contract.unit import SourceFile, Unit
from pipeline.planning.estimate import estimate, sampled_units
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.stages.stage_factory import StageFactory
from tests.helpers.corpora import make_corpus, make_settings, write_local

SOURCE = SourceFile(uri="file:///a.parquet", size=1, version="1")


def units(*bounds: tuple[int, int]) -> list[Unit]:
    return [Unit(source=SOURCE, start=start, stop=stop, fingerprint="f") for start, stop in bounds]


@pytest.fixture
def plan(tmp_path: Path, models: Path) -> Plan:
    source = write_local(make_corpus(60), tmp_path / "in")
    return make_plan(make_settings(source, str(tmp_path / "out"), models, actors=2), Options())


def test_sampled_units_are_spread_over_the_corpus_and_no_more_than_asked_for():
    every = units(*((k * 100, k * 100 + 100) for k in range(64)))
    found = list(sampled_units(every, 160))
    assert [unit.start for unit in found] == [k * 400 for k in range(16)]
    assert {unit.rows for unit in found} == {10}


@pytest.mark.parametrize(("sample", "rows"), [(0, []), (1, [1]), (2, [1, 1]), (99, [3, 7])])
def test_sampled_units_of_a_small_corpus_are_no_longer_than_it_is(sample: int, rows: list[int]):
    assert [unit.rows for unit in sampled_units(units((0, 3), (3, 10)), sample)] == rows


def test_estimate_of_the_whole_corpus_counts_its_tokens_and_writes_nothing(plan, tmp_path):
    found = estimate(plan, sample=1000)
    assert found is not None
    assert (found.sampled, found.records) == (60, 60)
    block = [plan.job.tokenize.run(plan.job.identify.run(plan.job.reader(u))) for u in plan.units]
    assert found.tokens == sum(sum(filter(None, b["n_tokens"].to_pylist())) for b in block)
    assert found.stages.keys() == {"read", "identify", "tokenize", "annotate"}
    assert found.cost.cpu_hours == pytest.approx(3 * found.seconds / 3600)
    assert not (tmp_path / "out").exists()


def test_estimate_of_a_sample_scales_to_the_records_that_are_left(plan):
    found = estimate(plan, sample=20)
    assert found is not None
    assert found.records == 60
    assert found.sampled <= 20
    assert found.tokens > 0


def test_estimate_of_nothing_left_is_none(plan):
    assert estimate(plan, sample=0) is None


class Raises:
    """A stage that raises what is not this package's."""

    name = "identify"
    consumes = ()
    produces = ()

    def __call__(self, table: pa.Table) -> pa.Table:
        raise ZeroDivisionError


def test_estimate_of_records_that_no_stage_gets_through_is_none(plan):
    job = replace(plan.job, identify=StageFactory("identify", Raises, ()))
    assert estimate(replace(plan, job=job), sample=20) is None
