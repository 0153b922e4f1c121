"""The events of a run, as OpenLineage's own client writes and sends them."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, InputError, StoppedError
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.reporting.lineage import dataset_name, lineage, origins
from tests.helpers.corpora import make_corpus, make_settings, write_local


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """The client writes settings of its own into the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def plan(tmp_path: Path, models: Path) -> Plan:
    source = write_local(make_corpus(12), tmp_path / "in")
    return make_plan(make_settings(source, str(tmp_path / "out"), models), Options())


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that events go to, a line each."""
    file = tmp_path / "events.jsonl"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(file))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "tests")
    return file


def events(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_run_that_ends_well_is_started_and_completed_with_schemas_and_rows(plan, told, tmp_path):
    with lineage(plan) as run:
        run.send("COMPLETE", rows=12)
    start, complete = events(told)
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert start["job"]["namespace"] == "tests"
    (source,), (output,) = complete["inputs"], complete["outputs"]
    assert (source["namespace"], source["name"]) == ("file", str(tmp_path / "in"))
    assert (output["namespace"], output["name"]) == ("file", str(tmp_path / "out"))
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 12
    named = [field["name"] for field in output["facets"]["schema"]["fields"]]
    assert named == plan.job.declared.names
    entities = output["facets"]["columnLineage"]["fields"]["entities"]["inputFields"]
    assert [field["field"] for field in entities] == ["text", "language"]


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (InputError("no such file"), "FAIL", "no such file"),
        (StoppedError("Told to stop"), "ABORT", "Told to stop"),
        (ValueError("a text of a record"), "FAIL", "ValueError"),
    ],
)
def test_run_that_fails_says_so_without_a_text(plan, told, error, state, message):
    with pytest.raises(type(error)), lineage(plan):
        raise error
    last = events(told)[-1]
    assert last["eventType"] == state
    assert last["run"]["facets"]["errorMessage"]["message"] == message


def test_origins_follow_the_columns_of_the_corpus(plan):
    found = origins(plan.job)
    assert found["note"] == (["note"], True)
    assert found["input_language"] == (["language"], True)
    assert found["record_id"] == (["id"], True)
    assert found["n_tokens"] == (["text"], False)
    assert found["language"] == (["text", "language"], False)
    assert found.keys() == set(plan.job.declared.names)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/a/b", ("s3://bucket", "a/b")),
        ("gs://bucket/a", ("gs://bucket", "a")),
        ("/data/a", ("file", "/data/a")),
    ],
)
def test_dataset_name_is_by_openlineages_naming(uri, name):
    assert dataset_name(uri) == name


@pytest.fixture
def service() -> Iterator[tuple[str, list[str]]]:
    """The URL of a service that refuses what it is sent, and the paths it was asked."""
    asked: list[str] = []

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(400)
            self.end_headers()

        def log_message(self, *_: object):
            pass

    server = HTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_service_that_refuses_costs_no_run(plan, service, monkeypatch, caplog):
    url, asked = service
    monkeypatch.setenv("OPENLINEAGE_URL", url)
    with lineage(plan):
        pass
    assert asked == ["/api/v1/lineage"]
    assert "OpenLineage event START not sent" in caplog.text


def test_settings_that_are_none_of_the_clients_are_named(plan, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "nowhere")
    with pytest.raises(ConfigError, match=r"nowhere.*unset OPENLINEAGE__TRANSPORT__TYPE"):
        with lineage(plan):
            pass


def test_without_settings_nothing_is_told(plan, tmp_path):
    with lineage(plan) as run:
        run.send("COMPLETE", rows=1)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
