"""The DAG with a scheduler and a triggerer: backfill, a job that dies, and a task that is killed.

Each on a real Ray head, with jobs that are stopped while they write.
"""

import json
import os
import signal
from pathlib import Path

import pytest
from pyiceberg.catalog import load_catalog

from tests.helpers.airflows import AIRFLOW, DAG, TASKS, StandingAirflow, wait_until
from tests.helpers.corpora import assert_complete, make_corpus, write_local

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-airflow installs Airflow"),
]

ROWS = 600
DONE = dict.fromkeys(TASKS, "success")


def corpus(tmp_path: Path, date: str, rows: int) -> list[str]:
    """The ids of a new corpus of ``date``."""
    made = make_corpus(rows)
    write_local(made, tmp_path / "corpus" / f"date={date}")
    ids: list[str] = made["id"].to_pylist()
    return ids


def output_of(tmp_path: Path, date: str) -> Path:
    return tmp_path / "enriched" / f"date={date}"


def commits(output: Path) -> int:
    return len(list(output.glob("_commit/*.json")))


def wait_for_commits(output: Path, number: int) -> None:
    wait_until(lambda: commits(output) >= number, lambda: f"{commits(output)} commits")


def times_of_parts(output: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in output.glob("data/*.parquet")}


def dates_of_documents(tables: Path) -> list[str]:
    """Of all rows in the Iceberg tables at ``tables``."""
    catalog = load_catalog("xmod", type="sql", uri=f"sqlite:///{tables}/c.db")
    rows = catalog.load_table("xmod.documents").scan(selected_fields=("date",)).to_arrow()
    return sorted(map(str, rows["date"].to_pylist()))


def driver_of(output: Path) -> int:
    """The process of the job's command that writes to ``output``; Ray starts it by a shell."""
    asked = f"output.uri={output}".encode()
    drivers = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if asked in arguments:
            drivers.append(int(entry.name))
    (driver,) = drivers
    return driver


def today_has_ended(standing_airflow: StandingAirflow) -> bool:
    """The run that the scheduler makes when the DAG is unpaused; other files' runs stay beside."""
    runs = standing_airflow.runs()
    return any(runs[run] == "failed" for run in runs if run.startswith("scheduled__"))


def test_backfill_of_two_dates_annotates_both_and_puts_both_in_the_tables(
    standing_airflow: StandingAirflow, parameters, tmp_path
):
    dates = ("2026-11-10", "2026-11-11")
    ids = {date: corpus(tmp_path, date, 20) for date in dates}
    # Today's run, which has no corpus, ends first: SQLite takes one writer at a time.
    wait_until(lambda: today_has_ended(standing_airflow), standing_airflow.runs)
    made = standing_airflow.command(
        *("backfill", "create", "--dag-id", DAG, "--max-active-runs", "2"),
        *("--from-date", dates[0], "--to-date", dates[1]),
        *("--dag-run-conf", json.dumps(parameters)),
    )
    assert made.returncode == 0, made.stdout + made.stderr

    def of_backfill() -> list[str]:
        return [run for run in standing_airflow.runs() if run.startswith("backfill__")]

    wait_until(lambda: len(of_backfill()) == 2, standing_airflow.runs)
    assert [standing_airflow.ended(run) for run in of_backfill()] == [DONE, DONE]
    for date in dates:
        assert_complete(str(output_of(tmp_path, date)), ids[date])
    assert dates_of_documents(tmp_path / "tables") == sorted([*dates] * 20)


def test_job_that_is_killed_in_the_middle_goes_on_in_the_next_try(
    standing_airflow: StandingAirflow, parameters, tmp_path
):
    ids, output = corpus(tmp_path, "2026-11-12", ROWS), output_of(tmp_path, "2026-11-12")
    run = standing_airflow.trigger("2026-11-12", parameters)
    wait_for_commits(output, 10)
    os.kill(driver_of(output), signal.SIGKILL)
    parts = times_of_parts(output)

    assert standing_airflow.ended(run) == DONE
    # A busy machine may cost another task a try as well; the output below says why.
    print(standing_airflow.failed_tries(run))  # noqa: T201
    assert standing_airflow.tasks(run)["annotate"]["try_number"] == 2
    assert len(parts) < ROWS // 5, "it was at its end when it was killed"
    assert parts.items() <= times_of_parts(output).items()
    assert_complete(str(output), ids)


def test_task_that_is_killed_while_it_is_deferred_stops_its_job_and_goes_on_when_cleared(
    standing_airflow: StandingAirflow, parameters, tmp_path
):
    ids, output = corpus(tmp_path, "2026-11-13", ROWS), output_of(tmp_path, "2026-11-13")
    run = standing_airflow.trigger("2026-11-13", parameters)
    wait_for_commits(output, 10)
    assert standing_airflow.states(run)["annotate"] == "deferred"
    driver = driver_of(output)

    killed = f"/dagRuns/{run}/taskInstances/annotate"
    standing_airflow.ask("PATCH", killed, {"new_state": "failed"})
    wait_until(lambda: not Path(f"/proc/{driver}").exists(), lambda: "the job goes on")
    assert standing_airflow.ended(run)["annotate"] == "failed"
    stopped_at = commits(output)
    assert stopped_at < ROWS // 5
    parts = times_of_parts(output)

    cleared = {"dag_run_id": run, "dry_run": False, "only_failed": True}
    standing_airflow.ask("POST", "/clearTaskInstances", cleared)
    wait_until(lambda: commits(output) > stopped_at, standing_airflow.states, run)
    assert standing_airflow.ended(run) == DONE
    assert parts.items() <= times_of_parts(output).items()
    assert_complete(str(output), ids)
