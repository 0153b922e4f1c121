"""Commands on a cluster that others use too, and that can fail: exit codes, one sentence each."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.corpora import assert_complete
from tests.helpers.heads import Head, ray_head
from tests.helpers.whole_jobs import WholeJob, processes_below

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Iterator[Head]:
    """A cluster of two CPUs."""
    with ray_head(tmp_path_factory.mktemp("head"), cpus=2) as running:
        yield running


def job_on(head: Head, folder: Path, models: Path, rows: int = 40, **runtime: object) -> WholeJob:
    """A job whose Ray is ``head``."""
    job = WholeJob.over(folder, models, rows, unit_rows=10, **runtime)
    job.environment.update(head.address)
    return job


@pytest.mark.long
@pytest.mark.parametrize("jobs", [2, 3])
def test_jobs_at_once_on_two_cpus_all_finish(head, tmp_path, models, jobs):
    started = [job_on(head, tmp_path / str(number), models) for number in range(jobs)]
    running = [
        subprocess.Popen(
            job.command(), env=job.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for job in started
    ]
    said = [process.communicate(timeout=500)[0] for process in running]

    assert [process.returncode for process in running] == [0] * jobs, said
    for job in started:
        assert_complete(str(job.output), job.ids)


@pytest.mark.long
def test_job_beside_a_foreign_actor_that_never_ends_finishes(head, tmp_path, models):
    job = job_on(head, tmp_path, models)
    with head.foreign_actor(cpus=1):
        result = job.run("--set", "runtime.actors={min: 1, max: 2}")
    assert result.returncode == 0, result.stderr
    assert_complete(str(job.output), job.ids)


@pytest.mark.long
def test_job_that_finds_no_room_in_time_ends_with_5_and_leaves_none_taken(head, tmp_path, models):
    job = job_on(head, tmp_path, models, start_timeout=3)
    with head.foreign_actor(cpus=2):
        result = job.run()
    assert result.returncode == 5, result.stderr
    assert "no room for 1 x 1 CPU after" in result.stderr
    assert "Traceback" not in result.stderr
    assert job.commits() == 0

    assert job.run().returncode == 0
    assert_complete(str(job.output), job.ids)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody listens there and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def failed(job: WholeJob, variables: Mapping[str, str], *options: str) -> tuple[int, str]:
    """The exit code of ``job`` in half a minute at most, and its one line on standard error."""
    job.environment.update(variables)
    begun = time.monotonic()
    result = job.run(*options)
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.splitlines()
    assert time.monotonic() - begun < 120, "minutes of C++ warnings"
    assert job.commits() == 0
    return result.returncode, line


def test_job_with_an_address_of_ray_client_ends_with_2(tmp_path, models):
    job = WholeJob.over(tmp_path, models, 4)
    code, line = failed(job, {"RAY_ADDRESS": "ray://127.0.0.1:10001"})
    assert code == 2
    assert "ray://127.0.0.1:10001" in line
    assert "ray job submit" in line


@pytest.mark.long
@pytest.mark.parametrize("address", ["http://127.0.0.1:8265", "nonsense"])
def test_job_with_an_address_that_is_none_ends_with_2(tmp_path, models, address):
    code, line = failed(WholeJob.over(tmp_path, models, 4), {"RAY_ADDRESS": address})
    assert code == 2
    assert address in line


def test_job_without_anybody_at_the_address_ends_with_5(tmp_path, models, silent_port):
    address = f"127.0.0.1:{silent_port}"
    code, line = failed(WholeJob.over(tmp_path, models, 4), {"RAY_ADDRESS": address})
    assert code == 5
    assert f"No Ray head answers at {address}" in line


def test_job_with_a_wrong_token_or_none_ends_with_2(head, tmp_path, models):
    job = job_on(head, tmp_path, models)
    token = tmp_path / "token"
    token.write_text("0" * 64)
    wrong = {"RAY_AUTH_TOKEN_PATH": str(token)}
    for variables in (wrong, {"RAY_AUTH_TOKEN_PATH": "/no/token"}, {"RAY_AUTH_MODE": "disabled"}):
        code, line = failed(job, variables)
        assert code == 2
        assert "token" in line


@pytest.mark.long
def test_job_on_machines_without_the_package_ends_with_2(tmp_path, models):
    poison = {"PYTHONPATH": str(ROOT / "tests" / "poison"), "POISON_ABSENT": "yes"}
    with ray_head(tmp_path, cpus=2, **poison) as head:
        code, line = failed(job_on(head, tmp_path / "job", models), {})
    assert code == 2
    assert "no module named 'pipeline'" in line
    assert "--runtime-env" in line


@pytest.mark.long
def test_job_whose_actors_die_while_they_load_ends_with_5(tmp_path, models):
    poison = {"PYTHONPATH": str(ROOT / "tests" / "poison"), "POISON_LOAD": "yes"}
    with ray_head(tmp_path, cpus=2, **poison) as head:
        code, line = failed(job_on(head, tmp_path / "job", models), {})
    assert code == 5
    assert "died 3 times" in line


@pytest.mark.long
def test_log_json_has_nothing_but_json_on_standard_error(head, tmp_path, models):
    job = job_on(head, tmp_path, models)
    done = job.run("--log", "json")
    assert done.returncode == 0, done.stderr
    for line in done.stderr.splitlines():
        assert json.loads(line)["level"] in ("INFO", "WARNING")
    code, line = failed(job, {"RAY_ADDRESS": "nonsense"}, "--log", "json", "--new-run")
    assert (code, json.loads(line)["level"]) == (2, "ERROR")


@pytest.mark.long
def test_interrupt_ends_what_is_at_work_and_says_how_to_go_on(tmp_path, models):
    job = WholeJob.over(tmp_path, models, rows=400, unit_rows=10)
    with interrupted(job) as running:
        said, errors = running.communicate(timeout=120)
    assert running.returncode == 75, said + errors
    assert "Run the same command again to go on" in said
    assert "^C" in errors
    assert "Traceback" not in errors
    assert job.run().returncode == 0
    assert_complete(str(job.output), job.ids)


@pytest.mark.long
def test_second_interrupt_ends_at_once_and_leaves_no_process(tmp_path, models):
    job = WholeJob.over(tmp_path, models, rows=400, unit_rows=200)
    with interrupted(job) as running:
        below = processes_below(running.pid, lambda title: "ray" in title)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        said, errors = running.communicate(timeout=60)
    assert running.returncode == 130, said + errors
    assert "Run the same command again to go on" in said
    assert "Traceback" not in errors
    deadline = time.monotonic() + 120
    while any(map(is_alive, below)):  # Ray's agents look every half a minute for who is gone
        assert time.monotonic() < deadline, "Ray's processes are left"
        time.sleep(0.2)
    assert job.run().returncode == 0
    assert_complete(str(job.output), job.ids)


def is_alive(pid: int) -> bool:
    """A process that has ended and whom nobody has asked for has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@contextmanager
def interrupted(job: WholeJob) -> Iterator[subprocess.Popen[str]]:
    """The running command after a ^C, once its actors are at work."""
    with subprocess.Popen(
        ["env", "--default-signal=INT", *job.command()],  # whatever started the tests ignores
        env=job.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        deadline = time.monotonic() + 240
        while not processes_below(running.pid, lambda title: "Annotator" in title):
            assert running.poll() is None
            assert time.monotonic() < deadline, "no actor is started"
            time.sleep(0.1)
        time.sleep(1)
        running.send_signal(signal.SIGINT)
        yield running
