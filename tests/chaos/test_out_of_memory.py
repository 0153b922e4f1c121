"""Records that fill the memory of a job's cgroup: they are in quarantine, and the job goes on."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.corpora import assert_complete, output_rows
from tests.helpers.memory_cgroup import memory_cgroup
from tests.helpers.whole_jobs import ROOT, WholeJob

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LIMIT = 6 << 30


@pytest.mark.long
def test_record_that_eats_all_memory_is_quarantined_and_the_job_goes_on(tmp_path, models):
    job = WholeJob.over(tmp_path, models, 30, ("POISON-EAT", "Anna met Karl."), unit_rows=8)
    with memory_cgroup(LIMIT) as group:
        result = group.run(job.command(), env=job.environment, cwd=ROOT, timeout=900)
        kills = group.kills
    assert result.returncode == 0, result.stderr
    assert kills > 0, "nothing was killed for want of memory"
    assert_complete(str(job.output), job.ids, quarantined=["r30"])
    (row,) = output_rows(str(job.output), "quarantine")
    assert row["error_type"] == "ProcessDied"


def bombs(kind: str) -> pa.Table:
    """Columns of a file of some kilobytes; its texts have 4 GiB, or one alone 2."""
    rows = 1 if kind == "one string" else 4096
    if kind == "one string":
        texts: pa.Array = pa.array(["a" * ((2 << 30) - 64)], pa.string())
    else:
        megabyte = pa.array(["a" * (1 << 20)])
        places = pa.array([0] * rows, pa.int32())
        texts = pa.DictionaryArray.from_arrays(places, megabyte)
    return pa.table(
        {
            "id": [f"b{row}" for row in range(rows)],
            "text": texts,
            "language": pa.array(["en"] * rows),
            "note": list(range(rows)),
        }
    )


@pytest.mark.long
@pytest.mark.parametrize("kind", ["dictionary", "one string"])
def test_bomb_is_quarantined_within_the_memory_and_the_job_goes_on(tmp_path, models, kind):
    job = WholeJob.over(tmp_path, models, 30, unit_rows=4096, unit_bytes=8 << 20)
    table = bombs(kind)
    path = job.config.parent / "in" / "bomb.parquet"
    options = {"dictionary_pagesize_limit": 1 << 30, "store_schema": False}
    pq.write_table(table, path, compression="zstd", **options)
    assert path.stat().st_size < 1 << 20
    with memory_cgroup(LIMIT) as group:
        result = group.run(
            [*job.command(), "--set", "input.max_text_bytes=100000"],
            env=job.environment,
            cwd=ROOT,
            timeout=1800,
        )
    assert result.returncode == 0, result.stderr + result.stdout
    rows = output_rows(str(job.output), "quarantine")
    assert len(rows) == table.num_rows
    assert len(output_rows(str(job.output))) == 30
    assert {row["file"].rpartition("/")[2] for row in rows} == {"bomb.parquet"}
