"""A record that eats the memory of a job's cgroup: it is in quarantine, and the job goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpora import assert_complete, output_rows
from whole_jobs import ROOT, WholeJob

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CONTROLLER = Path("/sys/fs/cgroup/memory")
LIMIT = 6 << 30


@pytest.fixture
def memory_cgroup() -> Iterator[Path]:
    """A cgroup of version 1 whose processes have ``LIMIT`` bytes together."""
    group = CONTROLLER / f"xmod-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(LIMIT))
    except OSError:
        pytest.skip("no memory cgroup can be made here")
    yield group
    for pid in (group / "cgroup.procs").read_text().split():
        (CONTROLLER / "cgroup.procs").write_text(pid)
    group.rmdir()


def test_record_that_eats_all_memory_is_quarantined_and_the_job_goes_on(
    tmp_path, models, memory_cgroup
):
    job = WholeJob.over(tmp_path, models, 30, ("POISON-EAT", "Anna met Karl."), unit_rows=8)
    shell = f'echo $$ > {memory_cgroup}/cgroup.procs && exec "$@"'
    result = subprocess.run(
        [shutil.which("sh") or "sh", "-c", shell, "sh", *job.command()],
        env=job.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    kills = int(
        dict(
            line.split() for line in (memory_cgroup / "memory.oom_control").read_text().splitlines()
        )["oom_kill"]
    )
    assert result.returncode == 0, result.stderr
    assert kills > 0, "nothing was killed for want of memory"
    assert_complete(str(job.output), job.ids, quarantined=["r30"])
    (row,) = output_rows(str(job.output), "quarantine")
    assert row["error_type"] == "ProcessDied"
