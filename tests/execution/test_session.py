"""What a cluster must have before a job begins; addresses and tokens are in test_on_a_cluster."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.errors import ConfigError
from pipeline.execution import session

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def test_machines_with_this_version_of_the_package_will_do():
    session._require_package()


def test_machines_with_another_version_of_the_package_are_refused(monkeypatch):
    there = pipeline.__version__
    monkeypatch.setattr(pipeline, "__version__", "9.9")
    with pytest.raises(ConfigError, match=rf"has {there}; expected version 9\.9.*--runtime-env"):
        session._require_package()


LOCAL = """
import json, psutil, ray
from pipeline.execution.session import connected

with connected(1):
    ray.get(ray.remote(lambda: None).remote())
    process = psutil.Process()
    found = {
        connection.laddr.ip
        for one in (process, *process.children(recursive=True))
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
print(json.dumps(sorted(found)))
"""


@pytest.mark.parametrize("earlier", [False, True], ids=["new token", "token of an earlier Ray"])
def test_ray_of_this_machine_listens_here_alone_and_its_token_is_private(tmp_path, earlier):
    token = tmp_path / ".ray" / "auth_token"
    if earlier:
        token.parent.mkdir()
        token.write_text("a" * 64)
        token.chmod(0o644)
    others = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", LOCAL],
        cwd=Path(__file__).parents[2],
        env={**others, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        umask=0o022,
    )
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout.splitlines()[-1])
    assert {address.removeprefix("::ffff:") for address in heard} == {"127.0.0.1"}
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert not earlier or token.read_text() == "a" * 64
