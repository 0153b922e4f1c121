"""A Ray cluster on this machine with one node, a raylet, a core.

A raylet and all that it starts stay on its core, which the first one shares with Ray's head and
with the driver. Only a holder of the token is let in; another Ray of this machine neither sees this
one nor is seen.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CPUS = 3
"""What a raylet says that it has: room for one actor and a reader, so that two actors part."""
CPUS_AN_ACTOR = 1.75
"""Less than two, of which an actor makes one lane, as it has one core."""

_STORE_BYTES = 300 << 20
_STARTS_WITHIN = 60

_COMMON = (
    f"--num-cpus={CPUS}",
    f"--object-store-memory={_STORE_BYTES}",
    "--min-worker-port=0",
    "--max-worker-port=0",
    "--dashboard-agent-listen-port=0",
    "--disable-usage-stats",
    "--block",
)


@dataclass(frozen=True)
class Driver:
    """Where a job's own process runs: ``prefix`` pins it, ``environment`` leads it to a cluster."""

    prefix: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def raylets(cores: Sequence[int], folder: Path) -> Iterator[Driver]:
    """A raylet on each of ``cores``; their logs and sockets are in ``folder``, of a short path."""
    port, client = _free_ports(2)
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    address = f"127.0.0.1:{port}"
    head = [
        "--head",
        f"--port={port}",
        f"--ray-client-server-port={client}",
        f"--temp-dir={folder}",
        "--include-dashboard=false",
    ]
    with ExitStack() as stack:
        stack.enter_context(_raylet(cores[0], head, folder, token))
        for core in cores[1:]:
            stack.enter_context(_raylet(core, [f"--address={address}"], folder, token))
        yield Driver(_on(cores[0]), {**token, "RAY_ADDRESS": address})


@contextmanager
def _raylet(core: int, arguments: list[str], folder: Path, token: dict[str, str]) -> Iterator[None]:
    ray = str(Path(sys.executable).with_name("ray"))
    log = folder / f"core-{core}.log"
    variables = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [*_on(core), ray, "start", *arguments, *_COMMON],
            env=variables | token,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait_until_started(process, log)
            yield
        finally:
            process.terminate()  # it ends the rest; told all at once, they wait for each other
            process.wait(_STARTS_WITHIN)


def _on(core: int) -> list[str]:
    return ["taskset", "-c", str(core)]


def _wait_until_started(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while "Ray runtime started" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"A raylet did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
