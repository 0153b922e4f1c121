"""What a run may choose: a corpus, its output, configs and a date; never the program, or an option.

In Airflow's environment, without a database: parameters are resolved and commands rendered.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.airflows import AIRFLOW, INFRA

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-airflow installs Airflow"),
]

RESOLVED = """
import json, sys
from airflow.sdk.exceptions import AirflowException
from annotate_daily import dag

refused = []
for name, value in json.loads(sys.argv[1]):
    try:
        dag.params.get_param(name).resolve(value)
    except Exception:
        refused.append([name, value])
print(json.dumps(refused))
"""

RENDERED = """
import json, sys
from types import SimpleNamespace
from airflow.providers.standard.operators.empty import EmptyOperator
from annotate_daily import dag
from ray_jobs import SUBMISSION_ID
from ray_jobs_api import in_urls

variables = {"xmod_project": "/app"}
params = {**{name: dag.params[name] for name in dag.params}, **json.loads(sys.argv[1])}
told = {"params": params, "ds": "2026-11-26", "var": {"value": variables}}
commands = {task.task_id: task.render_template(task.command, told) for task in dag.tasks}


def submission_id(dag_id, task_id, map_index, run_id):
    names = {"dag": {"dag_id": dag_id}, "task": {"task_id": task_id}, "run_id": run_id}
    template = dag.get_template_env().from_string(SUBMISSION_ID)
    return in_urls(template.render(**names, ti={"map_index": map_index}))


ids = [submission_id(*one) for one in json.loads(sys.argv[2])]
print(json.dumps({"commands": commands, "ids": ids}))
"""


def said(home: Path, program: str, *arguments: object) -> Any:
    """What ``program`` says in its last line, in Airflow's environment."""
    done = subprocess.run(
        [AIRFLOW.with_name("python"), "-c", program, *map(json.dumps, arguments)],
        env={"AIRFLOW_HOME": str(home), "PYTHONPATH": f"{INFRA / 'plugins'}:{INFRA / 'dags'}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


FINE = [
    ("corpus", "s3://bucket/articles"),
    ("corpus", "/data/新聞/articles"),
    ("enriched", "gs://bucket/enriched"),
    ("config", "/app/configs/ner.yaml"),
    ("tables", "/app/configs/tables.yml"),
    ("date", "2026-11-26"),
    ("date", None),
    ("allow_bad_files", True),
]
HOSTILE = [
    *(("corpus", value) for value in ("--help", "-c", "", "file:///etc", "http://x/y", "s3://a b")),
    *(("enriched", value) for value in ("--new-run", "out", "/out\n", "/out --new-run", "\t/out")),
    *(("config", value) for value in ("--config", "-", "ner.yaml", "/etc/passwd", "/a.yaml\n")),
    *(("tables", value) for value in ("--export", "s3://a/b.yaml", "/a b.yaml", "/a\x00.yaml")),
    *(("date", value) for value in ("tomorrow", "2026-13-45", "20261126", "../..", "2026-11-26\n")),
    ("allow_bad_files", "--new-run"),
    *((name, value) for name in ("corpus", "config", "date") for value in (5, ["/a"])),
]


def test_parameters_that_are_no_places_configs_or_dates_are_refused(tmp_path):
    assert said(tmp_path, RESOLVED, FINE) == []
    assert said(tmp_path, RESOLVED, HOSTILE) == [list(one) for one in HOSTILE]


def test_program_is_the_deployment_s_and_no_run_chooses_it(tmp_path):
    conf = {"python": "env -S sh -c id", "project": "/tmp/mine"}
    commands = said(tmp_path, RENDERED, conf, [])["commands"]
    assert {tuple(command[:1]) for command in commands.values()} == {("python",)}
    assert commands["verify"] == [
        *("python", "/app/jobs/verify.py"),
        *("s3://corpus/enriched/date=2026-11-26", "--json"),
    ]
    assert "mine" not in json.dumps(commands)
    assert "env -S" not in json.dumps(commands)


def test_submission_ids_of_any_two_task_instances_differ(tmp_path):
    runs = ["manual__2026-11-26T00:00:00+00:00", "manual__2026-11-26T00-00-00-00-00", "a=3A", "a:"]
    runs += ["x" * 300, "x" * 299 + "y", "1~r", "ü", "u"]
    instances = [
        (dag, task, place, run)
        for dag, task in (("a.b", "c"), ("a", "b.c"), ("a", "b"))
        for place in (-1, 0, 1)
        for run in runs
    ]
    ids = said(tmp_path, RENDERED, {}, instances)["ids"]
    assert len(set(ids)) == len(instances)
    assert all(len(one) <= 200 and one.isascii() and "%" not in one for one in ids)
