"""The commands of the page on Airflow, in an Airflow that only they change."""

import dataclasses
import subprocess

import pytest

from tests.helpers.airflows import AIRFLOW, DAG
from tests.helpers.pages import SHELL, snippets

PAGE = "infra/airflow/README.md"

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-airflow installs Airflow"),
]


def test_commands_of_page_are_taken_as_they_stand(airflow, tmp_path):
    without = {key: airflow.environment[key] for key in airflow.environment if "CONN" not in key}
    fresh = dataclasses.replace(airflow, environment={**without, "AIRFLOW_HOME": str(tmp_path)})
    for arguments in (("db", "migrate"), ("dags", "reserialize")):
        assert fresh(*arguments).returncode == 0

    commands = [one.text for one in snippets(PAGE) if one.language == SHELL and " --" in one.text]
    assert len(commands) == 3
    for command in commands:
        done = subprocess.run(
            ["bash", "-euc", command],
            env={**fresh.environment, "TOKEN": "a-token"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    (ray,) = fresh.listed("connections", "get", "ray")
    assert (ray["host"], ray["password"]) == ("ray-head", "a-token")
    runs = [run["run_id"] for run in fresh.listed("dags", "list-runs", DAG)]
    assert sum(run.startswith("backfill__") for run in runs) == 26
    assert len(runs) == 27
