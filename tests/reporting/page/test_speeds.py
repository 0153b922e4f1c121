"""Tokens/s by language, from commit records."""

import pytest

from pipeline.output.commit import CommitRecord, LanguageCounts
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.speeds import Speeds, read_speeds, speeds
from pipeline.stages.measures import StageSeconds
from pipeline.storage import Store
from tests.helpers.finished import finish


def record(number: int, tokens: dict[str, int], **stages: float) -> CommitRecord:
    source = {"uri": f"file:///corpus/{number}.parquet", "size": 1, "content": "c"}
    return CommitRecord.model_validate(
        {
            "unit_id": str(number),
            "unit": {"source": source, "start": 0, "stop": 10},
            "fingerprint": "f",
            "schema_version": 2,
            "rows_in": 10,
            "rows_out": 10,
            "rows_quarantined": 0,
            "part": {"path": "data/a", "bytes": 1, "sha256": "s"},
            "quarantine": None,
            "counts": {tag: LanguageCounts(records=1, tokens=many) for tag, many in tokens.items()},
            "stages": {stage: StageSeconds(wall=wall, cpu=0) for stage, wall in stages.items()},
        }
    )


def test_speeds_share_a_units_seconds_out_by_tokens():
    found = speeds(
        [
            record(0, {"de": 300, "fr": 100}, read=1.0, annotate=3.0),
            record(1, {"de-AT": 200}, annotate=1.0),
        ]
    )
    assert found.tokens_per_second == pytest.approx({"German (de)": 500 / 4, "French (fr)": 100.0})


def test_speeds_name_the_slowest_units_first():
    found = speeds([record(number, {"de": 1}, annotate=float(number)) for number in range(15)])
    assert [unit.seconds for unit in found.slowest] == [float(one) for one in range(14, 4, -1)]
    assert found.slowest[0].record.unit.source.uri == "file:///corpus/14.parquet"


@pytest.mark.parametrize("records", [[], [record(0, {})], [record(0, {"de": 0}, annotate=1.0)]])
def test_speeds_of_units_without_tokens_say_nothing(records: list[CommitRecord]):
    assert speeds(records).tokens_per_second == {}


def test_read_speeds_reads_the_commit_records(local_store: Store):
    output = read_output(finish(local_store, rows=6))
    found = read_speeds(output, 10)
    assert (found.units, len(found.slowest)) == (1, 1)
    assert set(found.tokens_per_second) == {"German (de)", "French (fr)"}
    assert read_speeds(output, 10) == found
    assert isinstance(found, Speeds)
