"""The command over a corpus that changes: exit codes, what it names, and what is in the output."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.verify import verify
from pipeline.storage import Store
from tests.helpers.corpora import make_corpus, output_rows
from tests.jobs.test_annotate import (
    ROOT,
    annotate,
    command,
    commits,
    report_of,
    wait_for_commits,
    write_config,
)

pytestmark = [pytest.mark.ray, pytest.mark.slow]

REPLACE = ("--set", "input.changed=replace")
REMOVE = ("--set", "input.missing=remove")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """The config of a finished job over two files of 20 records each, in two units each."""
    config, _ = write_config(tmp_path_factory.mktemp("job"), models, 40)
    assert annotate(config).returncode == 0
    shutil.copytree(config.parent, f"{config.parent}-as-it-was")
    return config


@pytest.fixture
def job(finished: Path) -> Path:
    """That job, as it was when it had ended."""
    shutil.rmtree(finished.parent)
    shutil.copytree(f"{finished.parent}-as-it-was", finished.parent)
    return finished


def folder_of(config: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of the output, with its time and bytes."""
    output = config.parent / "out"
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in output.rglob("*")
        if path.is_file()
    }


def rewrite(config: Path, name: str, first: int, rows: int = 20) -> list[str]:
    """Other records in an input file; their ids."""
    table = make_corpus(first + rows).slice(first)
    pq.write_table(table, config.parent / "in" / name)
    ids: list[str] = table["id"].to_pylist()
    return ids


def assert_ids(config: Path, *ids: str) -> None:
    """The output has these records once, and jobs/verify.py finds nothing wrong."""
    assert [row["record_id"] for row in output_rows(str(config.parent / "out"))] == sorted(ids)
    ended = verified(config)
    assert ended.returncode == 0, ended.stdout
    found = json.loads(ended.stdout.splitlines()[-1])
    assert (found["problems"], found["rows_out"]) == (0, len(ids))


def verified(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "jobs" / "verify.py"), str(config.parent / "out"), "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


OLD = [f"r{row}" for row in range(40)]


@pytest.mark.long
def test_file_that_was_touched_or_copied_is_no_change(job: Path):
    before = folder_of(job)
    os.utime(job.parent / "in" / "0.parquet", (1, 1))
    body = (job.parent / "in" / "1.parquet").read_bytes()
    (job.parent / "in" / "1.parquet").unlink()
    (job.parent / "in" / "1.parquet").write_bytes(body)

    result = annotate(job)

    assert result.returncode == 0, result.stderr
    assert "nothing is left to annotate" in result.stdout
    after = folder_of(job)
    assert {path: body for path, (_, body) in after.items()} == {
        path: body for path, (_, body) in before.items()
    }
    success = str(job.parent / "out" / "_SUCCESS")
    assert after[success] == before[success], "it was never taken away"
    assert_ids(job, *OLD)


def test_changed_file_is_refused_with_2_and_replaced_where_the_config_says_so(job: Path):
    before = folder_of(job)
    new = rewrite(job, "0.parquet", 100)

    for options in ((), ("--dry-run",)):
        refused = annotate(job, *options)
        assert refused.returncode == 2
        assert f"file://{job.parent}/in/0.parquet" in refused.stderr
        assert "1.parquet" not in refused.stderr
        assert "input.changed: replace" in refused.stderr
        assert folder_of(job) == before
    assert_ids(job, *OLD)

    planned = annotate(job, "--dry-run", "--sample", "0", *REPLACE)
    assert planned.returncode == 0, planned.stderr
    assert "0 new, 1 changed, 0 deleted" in planned.stdout
    assert "keep 0, remove 2" in planned.stdout
    assert folder_of(job) == before

    replaced = annotate(job, *REPLACE)
    assert replaced.returncode == 0, replaced.stderr
    assert_ids(job, *new, *OLD[20:])
    report = report_of(job.parent / "out")
    assert (report.files_changed, report.units_retired, report.units_done_here) == (1, 2, 2)
    assert commits(job.parent / "out") == 4

    again = annotate(job)
    assert (again.returncode, "nothing is left" in again.stdout) == (0, True)
    assert_ids(job, *new, *OLD[20:])


def test_gone_file_keeps_its_records_or_loses_them_without_a_cluster(job: Path):
    (job.parent / "in" / "0.parquet").unlink()

    refused = annotate(job, "--set", "input.missing=fail")
    assert refused.returncode == 2
    assert "0.parquet" in refused.stderr
    kept = annotate(job)
    assert kept.returncode == 0, kept.stderr
    assert_ids(job, *OLD)
    report = report_of(job.parent / "out")
    assert (report.files_gone, report.units_kept, report.units_retired) == (1, 2, 0)

    removed = annotate(job, *REMOVE)
    assert removed.returncode == 0, removed.stderr
    assert "nothing is left to annotate" in removed.stdout
    assert_ids(job, *OLD[20:])
    report = report_of(job.parent / "out")
    assert (report.files_gone, report.units_kept, report.units_retired) == (1, 0, 2)


@pytest.mark.long
def test_changed_gone_and_new_files_and_a_moved_one(job: Path):
    source = job.parent / "in"
    day = rewrite(job, "2.parquet", 200)
    grown = annotate(job)
    assert grown.returncode == 0, grown.stderr
    assert_ids(job, *OLD, *day)

    (source / "1.parquet").rename(source / "9.parquet")
    moved = annotate(job)
    assert moved.returncode == 2
    assert f"{source}/9.parquet, as file://{source}/1.parquet" in moved.stderr

    new = rewrite(job, "0.parquet", 300)
    done = annotate(job, *REPLACE, *REMOVE)
    assert done.returncode == 0, done.stderr
    assert_ids(job, *new, *OLD[20:], *day)


@pytest.mark.long
def test_replacing_job_that_is_killed_shows_the_old_records_until_it_is_done(tmp_path, models):
    config, ids = write_config(tmp_path, models, 200, unit_rows=5)
    output = tmp_path / "out"
    assert annotate(config).returncode == 0
    new = rewrite(config, "0.parquet", 1000, rows=100)

    with subprocess.Popen(
        command(config, *REPLACE), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        wait_for_commits(running, output, 43)
        running.send_signal(signal.SIGKILL)
    verdict = verify(Store.open(str(output)))
    assert verdict.rows_out == 200
    assert ("_SUCCESS", "missing: the job has not ended well") in {
        (problem.path, problem.what) for problem in verdict.problems
    }
    assert annotate(config).returncode == 2

    result = annotate(config, *REPLACE)

    assert result.returncode == 0, result.stderr
    assert_ids(config, *new, *ids[100:])


@pytest.mark.long
def test_ids_that_repeat_are_looked_up_in_the_corpus(tmp_path, models):
    config, ids = write_config(tmp_path, models, 20)
    source = tmp_path / "in" / "1.parquet"
    table = pq.read_table(source)
    twice = [ids[0], *table["id"].to_pylist()[1:]]
    pq.write_table(table.set_column(0, "id", pa.array(twice)), source)
    assert annotate(config).returncode == 0

    found = json.loads(verified(config).stdout.splitlines()[-1])
    assert (found["problems"], found["repeated_ids"], found["repeated_in_corpus"]) == (0, 1, 1)

    source.unlink()
    ended = verified(config)
    found = json.loads(ended.stdout.splitlines()[-1])
    assert (ended.returncode, found["problems"], found["repeated_unexplained"]) == (1, 1, 1)

    assert annotate(config).returncode == 0
    found = json.loads(verified(config).stdout.splitlines()[-1])
    assert (found["problems"], found["repeated_of_kept_files"]) == (0, 1)
