"""The command and its processes killed again and again: each record is there once at the end."""

import random
import signal

import pytest
from corpora import assert_complete
from whole_jobs import WholeJob, kill_one, processes_below

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
        ("ray::", 2),
        pytest.param("Annotator", 10, marks=pytest.mark.long),
        pytest.param("ray::", 20, marks=pytest.mark.long),
    ],
)
def test_workers_killed_while_they_work_lose_no_record(tmp_path, models, title, kills):
    """Actors that hold the model, and any process that works for Ray."""
    job = WholeJob.over(tmp_path, models, rows=60 * (kills + 2), unit_rows=10, actors=2, rounds=4)
    chance, done = random.Random(f"{title} {kills}"), 0
    with job.started() as running:
        committed = 0
        while done < kills and job.wait_for_more(running, committed):
            committed = job.commits() + 1
            done += kill_one(chance, processes_below(running.pid, lambda name: title in name))
        running.wait(600)
        ended = running.returncode
    assert done >= min(kills, 2)

    assert ended in (0, 1)  # it may have run out of rounds, and says so; a second run does the rest
    result = job.run()
    assert result.returncode == 0, result.stderr
    assert_complete(str(job.output), job.ids)
