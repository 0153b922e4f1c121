"""A Ray head with its job server, as an operator starts it, which asks for a token."""

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.stores import free_ports

RAY = str(Path(sys.executable).with_name("ray"))
STARTS_WITHIN = 120


@dataclass(frozen=True)
class Head:
    """A running head, by its ports: its own, its dashboard's, its metrics'.

    ``environment`` is what its clients need to find it and to be let in.
    """

    port: int
    dashboard: int
    metrics: int
    token: str
    environment: dict[str, str]

    @property
    def address(self) -> dict[str, str]:
        """What a driver needs to run on it."""
        variables = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH")
        own = {name: self.environment[name] for name in variables}
        return {"RAY_ADDRESS": f"127.0.0.1:{self.port}", **own}

    @contextmanager
    def foreign_actor(self, cpus: int) -> Iterator[None]:
        """Somebody else's actor that holds ``cpus`` and never ends, until the block does."""
        with subprocess.Popen(
            [sys.executable, "-c", _FOREIGN, str(cpus)],
            env={**os.environ, **self.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "there\n"
                yield
            finally:
                process.kill()


_FOREIGN = """
import ray, sys, time
ray.init(log_to_driver=False)
@ray.remote(num_cpus=int(sys.argv[1]))
class Foreign:
    def there(self):
        return "there"
actor = Foreign.remote()
print(ray.get(actor.there.remote()), flush=True)
time.sleep(3600)
"""


@contextmanager
def ray_head(folder: Path, cpus: int = 4, ray: str = RAY, **variables: str) -> Iterator[Head]:
    """A head of ``cpus`` by the command ``ray``, with its token and its log in ``folder``.

    Its processes have ``variables`` in their environment, and its clients have not.
    """
    port, dashboard, client, agent, metrics = free_ports(5)
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    environment = {
        **os.environ,
        "PATH": f"{Path(ray).parent}{os.pathsep}{os.environ['PATH']}",  # a job's python is Ray's
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
    }
    options = [
        f"--port={port}",
        f"--dashboard-port={dashboard}",
        f"--ray-client-server-port={client}",
        # The usual port is that of whichever Ray of this machine came first.
        f"--dashboard-agent-listen-port={agent}",
        f"--metrics-export-port={metrics}",
        f"--num-cpus={cpus}",
        "--disable-usage-stats",
        "--block",
    ]
    with (
        (folder / "head.log").open("w") as log,
        # A head hands its jobs the address of the last one that was started in this folder. The
        # path is short, for the sake of sockets.
        TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as own,
    ):
        process = subprocess.Popen(
            [ray, "start", "--head", *options],
            env={**environment, "RAY_TMPDIR": own, **variables},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            head = Head(port, dashboard, metrics, token.read_text(), environment)
            _wait_for_jobs(process, head)
            yield head
        finally:
            _kill_session(process.pid)  # told to end, they wait for each other, half a minute
            process.wait(60)


def _kill_session(leader: int) -> None:
    """End all processes that came of ``leader``, which began a session."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):  # it has ended
            if os.getsid(int(entry.name)) == leader:
                os.kill(int(entry.name), signal.SIGKILL)


def _wait_for_jobs(process: subprocess.Popen[bytes], head: Head) -> None:
    """Until the head takes jobs: it answers before the agent that starts them has reported."""
    deadline = time.monotonic() + STARTS_WITHIN
    request = urllib.request.Request(
        f"http://127.0.0.1:{head.dashboard}/api/jobs/",
        data=b'{"entrypoint": "true"}',
        headers={"Authorization": f"Bearer {head.token}", "Content-Type": "application/json"},
    )
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=60):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the head takes no jobs")
