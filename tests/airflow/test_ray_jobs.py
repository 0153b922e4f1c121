"""The trigger before a head that is not there yet, cuts off, or does not know the job."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.airflows import AIRFLOW, INFRA
from tests.helpers.stores import free_ports

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-airflow installs Airflow"),
]

PROGRAM = """
import asyncio, json, sys
from aiohttp import ClientResponseError, web
from ray_jobs import RayJobTrigger

answers, port = json.loads(sys.argv[1]), int(sys.argv[2])
seen = {"asked": 0, "events": [], "raised": None}

async def answer(request):
    assert request.headers["Authorization"] == "Bearer the-token"
    said = answers[seen["asked"]]
    seen["asked"] += 1
    if said == "cut off":
        request.transport.abort()
    if isinstance(said, int):
        return web.Response(status=said)
    return web.json_response({"status": said, "driver_exit_code": 0})

async def start_late():
    app = web.Application()
    app.router.add_get("/api/jobs/daily.annotate", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await asyncio.sleep(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()

async def main():
    starting = asyncio.create_task(start_late())
    try:
        async for event in RayJobTrigger("ray", "daily.annotate", 0.1).run():
            seen["events"].append(event.payload["status"])
    except ClientResponseError as error:
        seen["raised"] = error.status
    await starting
    print(json.dumps(seen))

asyncio.run(main())
"""


def seen_by_trigger(home: Path, answers: list[object]) -> dict[str, Any]:
    """What comes of a trigger to which a head gives these ``answers``, a second too late."""
    (port,) = free_ports(1)
    ray = {"conn_type": "http", "host": "127.0.0.1", "port": port, "password": "the-token"}
    said = subprocess.run(
        [AIRFLOW.with_name("python"), "-c", PROGRAM, json.dumps(answers), str(port)],
        env={
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONN_RAY": json.dumps(ray),
            "PYTHONPATH": str(INFRA / "plugins"),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


def test_trigger_asks_a_head_again_that_is_away_cuts_off_or_fails(tmp_path):
    answers: list[object] = ["PENDING", "cut off", 500, "RUNNING", 503, "cut off", "SUCCEEDED"]
    seen = seen_by_trigger(tmp_path, answers)
    assert seen == {"asked": len(answers), "events": ["SUCCEEDED"], "raised": None}


def test_trigger_of_a_job_that_the_head_does_not_know_raises_at_once(tmp_path):
    assert seen_by_trigger(tmp_path, ["RUNNING", 404]) == {"asked": 2, "events": [], "raised": 404}
