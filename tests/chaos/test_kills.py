"""The command and its processes killed again and again: each record is there once at the end."""

import os
import random
import signal

import pytest

from benchmarks.raylets import CPUS_AN_ACTOR, raylets
from tests.helpers.corpora import assert_complete
from tests.helpers.whole_jobs import WholeJob, kill_one, processes_below

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.mark.long
@pytest.mark.parametrize("kills", [3, 20])
def test_driver_killed_again_and_again_each_time_after_progress(tmp_path, models, kills):
    job = WholeJob.over(tmp_path, models, rows=60 * (kills + 2), unit_rows=10)
    for _ in range(kills):
        before = job.commits()
        with job.started() as running:
            assert job.wait_for_more(running, before), "it ended before it could be killed"
            running.send_signal(signal.SIGKILL)
    killed_at = job.commits()

    result = job.run()

    assert result.returncode == 0, result.stderr
    assert killed_at < 6 * (kills + 2)
    assert_complete(str(job.output), job.ids)


@pytest.mark.parametrize(
    ("title", "kills"),
    [
        ("Annotator", 10),
        ("ray::", 20),
    ],
)
@pytest.mark.long
def test_workers_killed_while_they_work_lose_no_record(tmp_path, models, title, kills):
    """Actors that hold the model, and any process that works for Ray.

    A run may be out of rounds and say so, whatever of it was killed; the next one goes on.
    """
    job = WholeJob.over(tmp_path, models, rows=300 * kills, unit_rows=5, actors=2, max_attempts=4)
    chance, done = random.Random(f"{title} {kills}"), 0
    while done < kills:
        with job.started() as running:
            committed = job.commits()
            while done < kills and job.wait_for_more(running, committed):
                committed = job.commits() + 1
                done += kill_one(chance, processes_below(running.pid, lambda name: title in name))
            if done < kills:
                assert running.wait() == 1, f"it ended well after {done} kills: give it more rows"

    result = job.run()

    assert result.returncode == 0, result.stderr
    assert_complete(str(job.output), job.ids)


@pytest.mark.long
def test_machine_of_a_cluster_that_is_lost_loses_no_record(tmp_path, tmp_path_factory, models):
    """A raylet is killed, and so with it all that it started; the other one does the rest."""
    job = WholeJob.over(
        tmp_path, models, rows=1000, unit_rows=5, actors=2, cpus_per_actor=CPUS_AN_ACTOR
    )
    with raylets([0, 1], tmp_path_factory.mktemp("r")) as cluster:
        job.environment.update(cluster.environment)
        with job.started() as running:
            assert job.wait_for_more(running, 20)
            (lost,) = processes_below(os.getpid(), second_raylet)
            os.kill(lost, signal.SIGKILL)
            killed_at = job.commits()
            assert running.wait(600) == 0
    assert killed_at < 200
    assert_complete(str(job.output), job.ids)


def second_raylet(title: str) -> bool:
    """Whether it is a raylet that runs beside no head."""
    program, *options = title.split()
    return program.endswith("raylet/raylet") and "--head" not in options
