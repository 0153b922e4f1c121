"""Servers for tests, on free ports of this machine: SeaweedFS, and what GCS answers to a put."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import fsspec

ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"
STARTS_WITHIN = 60


@dataclass(frozen=True)
class S3Server:
    """A running server; ``environment`` is what botocore needs to find it and to be let in.

    ``catalog`` is the address of its Iceberg REST catalog.
    """

    endpoint: str
    catalog: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self, name: str) -> None:
        fsspec.filesystem("s3", endpoint_url=self.endpoint).mkdir(name)


@contextmanager
def seaweedfs(folder: Path) -> Iterator[S3Server]:
    """A SeaweedFS server with its data and log in ``folder``; it asks for credentials."""
    catalog, *others = free_ports(5)
    ports = dict(zip(("master", "volume", "filer", "s3"), others, strict=True))
    (folder / "s3.json").write_text(json.dumps({"identities": [_identity()]}))
    (folder / "data").mkdir()
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            _command(folder, ports, catalog),
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_healthy(server, f"http://127.0.0.1:{ports['s3']}/healthz", folder / "log")
            yield S3Server(*(f"http://127.0.0.1:{port}" for port in (ports["s3"], catalog)))
        finally:
            server.send_signal(signal.SIGKILL)  # its data is thrown away with the folder
            server.wait()


@contextmanager
def gcs_puts(objects: dict[str, bytes]) -> Iterator[str]:
    """The URL of a server that puts into ``objects`` as GCS does, by name of the object.

    It knows uploads in one request and the condition on the generation, and nothing else.
    """

    class Puts(BaseHTTPRequestHandler):
        def do_POST(self):
            query = parse_qs(urlparse(self.path).query)
            upload = self.rfile.read(int(self.headers["Content-Length"]))
            metadata, body = (part.partition(b"\n\n")[2] for part in upload.split(b"\n--")[:2])
            name = json.loads(metadata)["name"]
            taken = query.get("ifGenerationMatch") == ["0"] and name in objects
            if not taken:
                objects[name] = body
            self.send_response(412 if taken else 200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Puts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _command(folder: Path, ports: dict[str, int], catalog: int) -> list[str]:
    options = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "dir": folder / "data",
        "volume.max": 50,
        "volume.minFreeSpace": "1MiB",
        "master.volumeSizeLimitMB": 64,
        "master.volumePreallocate": "false",
        "master.electionTimeout": "1s",
        "master.telemetry": "false",
        "s3": "true",
        "s3.config": folder / "s3.json",
        "s3.iam": "false",
        "s3.port.iceberg": catalog,
        "s3.port.lance": 0,
    }
    for name, port in ports.items():
        options[f"{name}.port"] = port
        options[f"{name}.port.grpc"] = port + 10000
    program = Path(sys.executable).with_name("weed")
    return [str(program), "server", *(f"-{name}={value}" for name, value in options.items())]


def _identity() -> dict[str, object]:
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    actions = ["Admin", "Read", "List", "Write"]
    return {"name": "test", "credentials": credentials, "actions": actions}


def free_ports(count: int) -> list[int]:
    """Free ports with the port 10000 above each free as well: SeaweedFS's components expect it."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            try:
                lower = stack.enter_context(socket.socket())
                lower.bind(("127.0.0.1", 0))
                port = lower.getsockname()[1]
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port + 10000))
            except (OSError, OverflowError):
                continue
            found.append(port)
    return found


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    last = os.linesep.join(log.read_text().splitlines()[-20:])
    raise RuntimeError(f"SeaweedFS did not answer at {url} in {STARTS_WITHIN} s:\n{last}")
