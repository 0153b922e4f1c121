"""An Airflow with a database of its own, whose connection ``ray`` leads to a real Ray head."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.helpers.airflows import AIRFLOW, INFRA, ROOT, Airflow, StandingAirflow, standing
from tests.helpers.corpora import make_settings
from tests.helpers.heads import Head, ray_head
from tests.helpers.stores import free_ports


@pytest.fixture(scope="session")
def head(tmp_path_factory) -> Iterator[Head]:
    with ray_head(tmp_path_factory.mktemp("head")) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(head, tmp_path_factory) -> Airflow:
    home = tmp_path_factory.mktemp("airflow")
    ray = {"conn_type": "http", "host": "127.0.0.1", "port": head.dashboard, "password": head.token}
    server, triggerer, worker = free_ports(3)
    options = {
        "CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
        "CORE__PLUGINS_FOLDER": str(INFRA / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{server}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(server),
        "API__WORKERS": "1",
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(triggerer),
        "LOGGING__WORKER_LOG_SERVER_PORT": str(worker),
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    made = Airflow(
        {
            **others,
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONN_RAY": json.dumps(ray),
            "AIRFLOW_VAR_XMOD_PROJECT": str(ROOT),
            "AIRFLOW_VAR_XMOD_PYTHON": sys.executable,
            "PYTHONPATH": str(INFRA / "dags"),
            "PATH": f"{AIRFLOW.parent}{os.pathsep}{os.environ['PATH']}",  # it starts itself by name
        }
    )
    for arguments in (("db", "migrate"), ("dags", "reserialize")):
        done = made(*arguments)
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def standing_airflow(airflow) -> Iterator[StandingAirflow]:
    """The same with its scheduler, triggerer, parser and server at work."""
    with standing(airflow) as started:
        yield started


@pytest.fixture
def parameters(tmp_path, models) -> dict[str, str]:
    """Of a run: where the corpus is, and where its output and its tables go."""
    settings = make_settings("given/later", "given/later", models, unit_rows=5)
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    tables = yaml.safe_load((ROOT / "configs" / "tables.yaml").read_text())
    folder = tmp_path / "tables"
    tables["destination"]["catalog"] |= {"path": f"{folder}/c.db", "warehouse": f"{folder}/wh"}
    (tmp_path / "tables.yaml").write_text(yaml.safe_dump(tables))
    return {
        "corpus": str(tmp_path / "corpus"),
        "enriched": str(tmp_path / "enriched"),
        "config": str(tmp_path / "job.yaml"),
        "tables": str(tmp_path / "tables.yaml"),
    }
