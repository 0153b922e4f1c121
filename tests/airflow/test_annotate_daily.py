"""The DAG in a real Airflow, on a real Ray head: a date, the same date again, and bad input.

Airflow has an environment of its own, which `make test-airflow` makes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from corpora import make_corpus, make_settings, output_rows, write_local
from heads import Head, ray_head

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra" / "airflow"
AIRFLOW = INFRA / ".venv" / "bin" / "airflow"
DAG = "annotate_daily"
TASKS = ("check_input", "annotate", "verify", "tables", "report")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-airflow installs Airflow"),
]


@dataclass(frozen=True)
class Airflow:
    """An Airflow with a database of its own, whose connection ``ray`` leads to a head."""

    environment: dict[str, str]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [AIRFLOW, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=580,
        )

    def run(self, date: str, **parameters: object) -> dict[str, str]:
        """The states of the tasks of a run for ``date``."""
        said = self("dags", "test", DAG, date, "--conf", json.dumps(parameters))
        Path(self.environment["AIRFLOW_HOME"], f"{date}.log").write_text(said.stdout + said.stderr)
        runs = self.listed("dags", "list-runs", DAG)
        (run,) = [row["run_id"] for row in runs if row["logical_date"].startswith(date)]
        states = self.listed("tasks", "states-for-dag-run", DAG, run)
        return {row["task_id"]: row["state"] for row in states}

    def listed(self, *arguments: str) -> list[dict[str, str]]:
        """What the command lists, which may be told of other things as well."""
        said = self(*arguments, "-o", "json")
        lines = [line for line in said.stdout.splitlines() if line.startswith("[{")]
        assert lines, said.stdout + said.stderr
        return json.loads(lines[-1])


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Iterator[Head]:
    with ray_head(tmp_path_factory.mktemp("head")) as running:
        yield running


@pytest.fixture(scope="module")
def airflow(head, tmp_path_factory) -> Airflow:
    home = tmp_path_factory.mktemp("airflow")
    ray = {"conn_type": "http", "host": "127.0.0.1", "port": head.dashboard, "password": head.token}
    started = Airflow(
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(INFRA / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(INFRA / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_RAY": json.dumps(ray),
        }
    )
    for arguments in (("db", "migrate"), ("dags", "reserialize")):
        done = started(*arguments)
        assert done.returncode == 0, done.stderr
    return started


@pytest.fixture
def parameters(tmp_path, models) -> dict[str, str]:
    """Of a corpus of one date, and of where its output and its tables go."""
    write_local(make_corpus(30), tmp_path / "corpus" / "date=2026-11-26")
    settings = make_settings("given/later", "given/later", models).model_dump(mode="json")
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(settings))
    tables = yaml.safe_load((ROOT / "configs" / "tables.yaml").read_text())
    tables["destination"] = {"type": "parquet", "uri": str(tmp_path / "tables")}
    (tmp_path / "tables.yaml").write_text(yaml.safe_dump(tables))
    return {
        "corpus": str(tmp_path / "corpus"),
        "enriched": str(tmp_path / "enriched"),
        "config": str(tmp_path / "job.yaml"),
        "tables": str(tmp_path / "tables.yaml"),
        "project": str(ROOT),
        "python": sys.executable,
    }


def test_a_date_is_annotated_verified_in_the_tables_and_run_again_without_a_change(
    airflow, parameters, tmp_path
):
    first = airflow.run("2026-11-26", **parameters)
    output = tmp_path / "enriched" / "date=2026-11-26"
    parts = {path.name: path.stat().st_mtime_ns for path in output.glob("data/*.parquet")}
    again = airflow.run("2026-11-26", **parameters)

    assert first == again == dict.fromkeys(TASKS, "success")
    assert len(output_rows(str(output))) == 30
    assert {path.name: path.stat().st_mtime_ns for path in output.glob("data/*.parquet")} == parts
    assert (output / "report.html").exists()


def test_input_that_is_not_there_fails_the_first_task_without_another_try(airflow, parameters):
    states = airflow.run("2026-11-25", **parameters)
    assert states["check_input"] == "failed"
    assert set(states.values()) == {"failed", "upstream_failed"}
