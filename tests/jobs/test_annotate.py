"""The command as a user runs it: exit codes, messages, kill -9 and resume, and `ray job submit`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from pipeline.cli.annotate import annotate as annotate_command
from pipeline.output.commit import parse_commit
from pipeline.output.output_lock import REPORT
from pipeline.reporting.run_report import RunReport
from pipeline.storage import Store
from tests.helpers.corpora import (
    assert_complete,
    make_corpus,
    make_settings,
    output_rows,
    write_local,
)
from tests.helpers.heads import RAY, ray_head

ROOT = Path(__file__).parents[2]
JOB = ROOT / "jobs" / "annotate.py"
PROGRESSES_WITHIN = 240

app = typer.Typer()
app.command()(annotate_command)


def write_config(
    folder: Path, models: Path, rows: int, **runtime: object
) -> tuple[Path, list[str]]:
    """A config over a corpus of ``rows`` records below ``folder``, and the records' ids."""
    corpus = make_corpus(rows)
    source = write_local(corpus, folder / "in")
    settings = make_settings(source, str(folder / "out"), models, **runtime)
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    return path, corpus["id"].to_pylist()


def command(config: Path, *options: str) -> list[str]:
    return [sys.executable, str(JOB), "--config", str(config), *options]


def annotate(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the job to its end; its output wide enough that no line is folded."""
    return subprocess.run(
        command(config, *options),
        env={**os.environ, "COLUMNS": "250"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )


def commits(output: Path) -> int:
    return len(list(output.glob("_commit/*.json")))


def wait_for_commits(job: subprocess.Popen[bytes], output: Path, count: int) -> None:
    deadline = time.monotonic() + PROGRESSES_WITHIN
    while commits(output) < count:
        assert job.poll() is None, "the job ended before it could be killed"
        assert time.monotonic() < deadline, "the job makes no progress"
        time.sleep(0.05)


def report_of(output: Path) -> RunReport:
    return RunReport.model_validate_json((output / REPORT).read_bytes())


def assert_report_adds_up(output: Path) -> None:
    """The report of a run that did every unit has the seconds of all commit records."""
    report = report_of(output)
    records = [parse_commit(path.read_bytes(), path.name) for path in output.glob("_commit/*.json")]
    assert (report.units_done_here, report.rows_done_here) == (len(records), report.rows_in)
    for stage, line in report.stages.items():
        seconds = sum(record.stages[stage].wall for record in records)
        assert line.seconds == pytest.approx(seconds, abs=0.001)
        assert line.records_per_second == pytest.approx(report.rows_in / seconds, abs=0.1)
    assert report.stages["read"].waited_seconds == 0
    assert report.stages["publish"].waited_seconds > 0
    assert 0 < (report.batch_fill or 0) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "language.detecter=x"], "did you mean 'detector'"),
        (["--set", "language.detector=foo"], "Unknown detector 'foo'"),
        (["--set", "input.uri=/no/such/corpus"], "/no/such/corpus"),
        (["--sample", "10"], "--sample 10 is of --dry-run"),
        (["--set", "input.text_column=body"], "no column 'body'"),
        (["--set", "tasks.0.model.path=/no/model"], "No model folder at '/no/model'"),
        (["--set", "tasks.0.model.sha256=abc"], "expected abc"),
        (["--set", "language.fallback_language=de"], "did you mean 'de_DE'"),
    ],
)
def test_annotate_with_bad_settings_says_what_to_mend_and_ends_with_2(
    tmp_path, models, options, message
):
    config, _ = write_config(tmp_path, models, 8)

    result = CliRunner(env={"COLUMNS": "250"}).invoke(app, ["--config", str(config), *options])

    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert isinstance(result.exception, SystemExit)
    assert not (tmp_path / "out").exists()


def test_annotate_dry_run_prints_the_plan_and_writes_nothing(tmp_path, models):
    config, _ = write_config(tmp_path, models, 40)

    result = annotate(config, "--dry-run", "--limit", "33")

    assert result.returncode == 0, result.stderr
    assert "33" in result.stdout
    assert "language → input_language" in result.stdout
    assert "en_XX de_DE zh_CN ja_XX th_TH hi_IN" in result.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.long
def test_annotate_killed_in_mid_run_resumes_without_loss_or_doubles(tmp_path, models):
    config, ids = write_config(tmp_path, models, 400, unit_rows=10)
    output = tmp_path / "out"

    with subprocess.Popen(command(config), cwd=ROOT, stdout=subprocess.DEVNULL) as job:
        wait_for_commits(job, output, 3)
        job.send_signal(signal.SIGKILL)
    committed = {path.name: path.read_bytes() for path in output.glob("_commit/*.json")}
    assert 3 <= len(committed) < 40
    assert not (output / "_SUCCESS").exists()

    result = annotate(config)

    assert result.returncode == 0, result.stderr
    assert_complete(str(output), ids)
    for name, record in committed.items():
        assert (output / "_commit" / name).read_bytes() == record
    report = report_of(output)
    # Fewer, where a worker that outlived its driver for a moment committed another one.
    assert 0 < report.units_done_here <= 40 - len(committed)
    assert 0 < (report.seconds_to_first_unit or 0) < report.seconds
    assert min(line.seconds for line in report.stages.values()) > 0
    assert "Time by stage" in result.stdout

    again = annotate(config)
    assert again.returncode == 0
    assert "nothing is left to annotate" in again.stdout
    assert report_of(output) == report, "the report of the run that did the work stays"
    assert "Time by stage" not in again.stdout


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.slow
def test_annotate_told_to_stop_ends_what_is_at_work_with_75_and_goes_on_from_there(
    tmp_path, models
):
    config, ids = write_config(tmp_path, models, 400, unit_rows=10)
    output = tmp_path / "out"

    with subprocess.Popen(
        command(config), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        wait_for_commits(job, output, 3)
        job.send_signal(signal.SIGTERM)
        said, errors = job.communicate(timeout=120)
    assert job.returncode == 75, said + errors
    committed = commits(output)
    assert f"{committed} of 40 units are in the output" in said
    assert 3 <= committed < 40
    assert "Traceback" not in errors
    assert not list((output / "_retry").glob("*")), "who is not begun is not units_to_isolate"

    result = annotate(config)

    assert result.returncode == 0, result.stderr
    assert_complete(str(output), ids)
    assert report_of(output).units_done_here == 40 - committed


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.slow
def test_annotate_told_to_stop_gives_up_what_outlasts_the_grace(tmp_path, models):
    config, _ = write_config(tmp_path, models, 400, unit_rows=10)
    output = tmp_path / "out"

    with subprocess.Popen(
        command(config, "--set", "runtime.shutdown_timeout=0"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        wait_for_commits(job, output, 3)
        job.send_signal(signal.SIGTERM)
        said, errors = job.communicate(timeout=120)
    assert job.returncode == 75, said + errors
    assert "runtime.shutdown_timeout" in said or "Told to stop" in said


def test_annotate_try_prints_the_record_of_one_text(tmp_path, models):
    config, _ = write_config(tmp_path, models, 1)
    said = annotate(config, "--try", "Anna met Karl.", "--lang", "de")
    refused = annotate(config, "--try", "Anna met Karl.", "--set", "tasks.0.model.path=nowhere")
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    assert "Anna met Karl." in said.stdout
    assert "de_DE" in said.stdout
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nowhere" in refused.stderr
    assert not (tmp_path / "out").exists()
    alone = annotate(config, "--lang", "de")
    assert (alone.returncode, alone.stdout) == (2, "")
    assert "--try" in alone.stderr


@pytest.mark.ray
@pytest.mark.slow
def test_annotate_leaves_out_bad_files_and_ends_with_3(tmp_path, models):
    config, ids = write_config(tmp_path, models, 12)
    (tmp_path / "in" / "bad.parquet").write_bytes(b"no Parquet")

    refused = annotate(config)
    allowed = annotate(config, "--allow-bad-files")

    assert refused.returncode == 2
    assert "bad.parquet" in refused.stderr
    assert allowed.returncode == 3, allowed.stderr
    assert_complete(str(tmp_path / "out"), ids)
    assert_report_adds_up(tmp_path / "out")
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.ray
@pytest.mark.slow
def test_annotate_through_ray_job_submit_runs_on_the_cluster(tmp_path, models):
    config, ids = write_config(tmp_path, models, 40)
    with ray_head(tmp_path) as head:
        result = subprocess.run(
            [RAY, "job", "submit", "--", *command(config)],
            env=head.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=500,
        )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "40 records in, 40 annotated" in result.stdout
    assert_complete(str(tmp_path / "out"), ids)
    assert len(output_rows(str(tmp_path / "out"))) == len(ids)
    assert Store.open(str(tmp_path / "out")).exists("run_report.json")
