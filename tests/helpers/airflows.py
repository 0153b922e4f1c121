"""Airflow as its users have it: the command, and all of its processes with their API."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra" / "airflow"
AIRFLOW = INFRA / ".venv" / "bin" / "airflow"
DAG = "annotate_daily"
TASKS = ("check_input", "annotate", "verify", "tables", "report")
WITHIN = 480


@dataclass(frozen=True)
class Airflow:
    """The command, with the environment that says which Airflow it is of."""

    environment: dict[str, str]

    @property
    def home(self) -> Path:
        return Path(self.environment["AIRFLOW_HOME"])

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [AIRFLOW, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=580,
        )

    def run(self, date: str, **parameters: object) -> dict[str, str]:
        """The states of the tasks of a run for ``date``, all in the process of the command."""
        said = self("dags", "test", DAG, date, "--conf", json.dumps(parameters))
        (self.home / f"{date}.log").write_text(said.stdout + said.stderr)
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


@dataclass(frozen=True)
class StandingAirflow:
    """An Airflow at work, by its API (Airflow's "Stable REST API", version 2)."""

    command: Airflow
    url: str
    token: str

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        return ask(self.url, method, f"/api/v2/dags/{DAG}{path}", body, self.token)

    def trigger(self, date: str, parameters: Mapping[str, object]) -> str:
        """The id of a new run for ``date``."""
        wanted = {"logical_date": f"{date}T00:00:00Z", "conf": dict(parameters)}
        return str(self.ask("POST", "/dagRuns", wanted)["dag_run_id"])

    def runs(self) -> dict[str, str]:
        """The states of all runs, by id."""
        return {run["dag_run_id"]: run["state"] for run in self.ask("GET", "/dagRuns")["dag_runs"]}

    def tasks(self, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run, with their states and tries."""
        found = self.ask("GET", f"/dagRuns/{run}/taskInstances")["task_instances"]
        return {task["task_id"]: task for task in found}

    def states(self, run: str) -> dict[str, str]:
        return {name: task["state"] for name, task in self.tasks(run).items()}

    def failed_tries(self, run: str) -> str:
        """The logs of all tries of a run's tasks but the last of each."""
        logs = []
        for name, task in self.tasks(run).items():
            for number in range(1, task["try_number"]):
                path = f"/dagRuns/{run}/taskInstances/{name}/logs/{number}?full_content=true"
                lines = [json.dumps(line) for line in self.ask("GET", path)["content"]]
                logs.append("\n".join([f"{name}, try {number}:", *lines]))
        return "\n\n".join(logs)

    def ended(self, run: str) -> dict[str, str]:
        """The states of the tasks once the run has ended."""
        wait_until(lambda: self.runs()[run] in ("success", "failed"), self.states, run)
        return self.states(run)


def wait_until(is_so: Callable[[], bool], told: Callable[..., object], *arguments: object) -> None:
    """Returns once ``is_so``; where it never is, the error says what is ``told`` instead."""
    deadline = time.monotonic() + WITHIN
    while not is_so():
        assert time.monotonic() < deadline, told(*arguments)
        time.sleep(0.5)


def ask(
    url: str, method: str, path: str, body: Mapping[str, object] | None, token: str | None
) -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{url}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None


@contextmanager
def standing(airflow: Airflow) -> Iterator[StandingAirflow]:
    """All processes of ``airflow``, until the block ends."""
    url = f"http://127.0.0.1:{airflow.environment['AIRFLOW__API__PORT']}"
    with (airflow.home / "standalone.log").open("w") as log:
        process = subprocess.Popen(
            [AIRFLOW, "standalone"],
            env=airflow.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_until(lambda: _is_healthy(url), (airflow.home / "standalone.log").read_text)
            token = ask(url, "GET", "/auth/token", None, None)["access_token"]
            started = StandingAirflow(airflow, url, token)
            wait_until(lambda: _is_known(started), (airflow.home / "standalone.log").read_text)
            started.ask("PATCH", "", {"is_paused": False})
            yield started
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _is_healthy(url: str) -> bool:
    try:
        found = ask(url, "GET", "/api/v2/monitor/health", None, None)
    except OSError:
        return False
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return all(found[part]["status"] == "healthy" for part in parts)


def _is_known(airflow: StandingAirflow) -> bool:
    try:
        return airflow.ask("GET", "")["dag_id"] == DAG
    except AssertionError:
        return False
