"""A proxy before an S3 server, which spoils answers as it is told to.

It passes requests on as they are, ``Host`` with them, so that their signatures hold.
"""

import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse


class Spoilt(StrEnum):
    """What becomes of a request and its answer."""

    NOT = "not"
    UNAVAILABLE = "503"
    TOO_MANY = "429"
    SKEWED = "clock skew"
    RESET = "reset before"
    RESET_WITHIN = "reset within the answer"
    TRUNCATED = "answer cut off"
    SLOW = "answer in drops"
    STALLED = "answer a second late"
    HUNG = "no answer for longer than the client waits"
    DROPPED = "done, and the answer dropped"
    STALE = "the listing before"


REFUSALS = {
    Spoilt.UNAVAILABLE: (503, "SlowDown"),
    Spoilt.TOO_MANY: (429, "TooManyRequests"),
    Spoilt.SKEWED: (403, "RequestTimeTooSkewed"),
}
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"}
HANGS = 40
"""Seconds; the store reads for thirty."""

Plan = Callable[[int, str, str], Spoilt]
"""Of a request, by its number from 0, its method, and its path with the query."""


@dataclass
class FaultyProxy:
    """A running proxy, which counts what it did; ``plan`` may be changed while it runs."""

    endpoint: str
    upstream: str
    plan: Plan = lambda *_: Spoilt.NOT
    done: Counter[Spoilt] = field(default_factory=Counter)
    listings: dict[str, list["Answer"]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate_of(self, method: str, path: str) -> Spoilt:
        with self.lock:
            fate = self.plan(self.done.total(), method, path)
            self.done[fate] += 1
        return fate


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy before the server at ``upstream``."""

    class Handler(_Handler):
        proxy: FaultyProxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.proxy = FaultyProxy(f"http://127.0.0.1:{server.server_port}", upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Handler.proxy
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy

    def do_GET(self) -> None:
        self._handle()

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.proxy.fate_of(self.command, self.path)
        if fate in REFUSALS:
            return self._refuse(*REFUSALS[fate])
        if fate is Spoilt.RESET:
            return self._reset()
        if fate is Spoilt.HUNG:
            time.sleep(HANGS)
            return self._reset()
        answer = self._ask(body)
        if fate is Spoilt.DROPPED:
            return self._reset()
        if "list-type=2" in self.path:
            answer = self._listing(answer, stale=fate is Spoilt.STALE)
        return self._give(answer, fate)

    def _ask(self, body: bytes) -> Answer:
        host = urlparse(self.proxy.upstream).netloc
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("expect", "connection"):
                connection.putheader(name, value)
        connection.endheaders(body)
        try:
            response = connection.getresponse()
            headers = [(k, v) for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP]
            length = response.getheader("Content-Length")
            if self.command == "HEAD" and length is not None:
                headers.append(("Content-Length", length))
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def _listing(self, answer: Answer, *, stale: bool) -> Answer:
        """The answer, or the first that was given to the same question."""
        with self.proxy.lock:
            earlier = self.proxy.listings.setdefault(self.path, [])
            earlier.append(answer)
            return earlier[0] if stale else answer

    def _give(self, answer: Answer, fate: Spoilt) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        if fate is Spoilt.STALLED:
            time.sleep(1)
        self.end_headers()
        if self.command == "HEAD":
            return
        self._write(answer.body, fate)

    def _write(self, body: bytes, fate: Spoilt) -> None:
        if fate in (Spoilt.RESET_WITHIN, Spoilt.TRUNCATED):
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            if fate is Spoilt.RESET_WITHIN:
                self._reset()
        elif fate is Spoilt.SLOW:
            step = max(1, len(body) // 20)
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                time.sleep(0.02)
        else:
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{code} by the test</Message></Error>"
        body = b"" if self.command == "HEAD" else text.encode()
        self._give(Answer(status, [("Content-Type", "application/xml")], body), Spoilt.NOT)

    def _reset(self) -> None:
        """End the connection by RST, as a server that dies."""
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()
