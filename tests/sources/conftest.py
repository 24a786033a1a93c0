"""A real HTTP server on the loopback that can misbehave in every way a file server does, and a place to fetch to."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnamarks.errors import InputError
from rnamarks.sources.download import FetchReport, fetch
from rnamarks.sources.sheet import Source


@dataclass
class Step:
    """How one request is answered.

    ``cut`` sends only so many bytes of the body and hangs up (with a reset if ``reset``); ``pause`` waits so many
    seconds after them; ``length`` is the Content-Length to claim, -1 for none; ``ranges`` False ignores Range headers,
    ``heed_if_range`` False answers them whatever If-Range says; ``chunk`` sends the body in pieces with ``delay``
    seconds between.
    """

    body: bytes = b""
    status: int = 200
    etag: str = ""
    modified: str = ""
    content_type: str = "application/octet-stream"
    cut: int | None = None
    reset: bool = False
    pause: float = 0.0
    length: int | None = None
    ranges: bool = True
    heed_if_range: bool = True
    chunked: bool = False
    chunk: int = 1 << 16
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps: dict[str, list[Step]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.guard = threading.Lock()
        self.over = threading.Event()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def plan(self, path: str, *steps: Step) -> str:
        """Answer requests for ``path`` with these steps in turn, the last one for ever; returns the address."""
        self.steps[path] = list(steps)
        return self.root + path

    def ranges(self, path: str) -> list[str | None]:
        """The Range header of every request for ``path``, in order."""
        return [headers.get("range") for seen, headers in self.seen if seen == path]

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.guard:
            self.server.seen.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            steps = self.server.steps.get(self.path)
            step = None if not steps else steps.pop(0) if len(steps) > 1 else steps[0]
        self.close_connection = True
        if step is None:
            step = Step(b"no such file", 404)
        self.answer(step)

    def answer(self, step: Step) -> None:
        body, status, extra = step.body, step.status, dict(step.headers)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        validator = self.headers.get("If-Range")
        same = validator in (None, step.etag, step.modified) or not step.heed_if_range
        if status == 200 and asked and step.ranges and same:
            start = int(asked[1])
            if start >= len(body):
                status, extra["Content-Range"], body = 416, f"bytes */{len(body)}", b""
            else:
                status, extra["Content-Range"] = 206, f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
        self.send_response(status)
        # unsaid, a client that follows a redirect may send its next request into the closing connection
        self.send_header("Connection", "close")
        for name, value in (("ETag", step.etag), ("Last-Modified", step.modified), ("Content-Type", step.content_type)):
            if value:
                self.send_header(name, value)
        for name, value in extra.items():
            self.send_header(name, value)
        if step.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif step.length != -1:
            self.send_header("Content-Length", str(len(body) if step.length is None else step.length))
        self.end_headers()
        sent = body if step.cut is None else body[: step.cut]
        for begin in range(0, len(sent), step.chunk):
            piece = sent[begin : begin + step.chunk]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if step.chunked else piece)
            self.wfile.flush()
            if step.delay:
                time.sleep(step.delay)
        if step.chunked and step.cut is None:
            self.wfile.write(b"0\r\n\r\n")
        if step.pause:
            self.server.over.wait(step.pause)
        if step.reset:
            self.wfile.flush()
            # lingering for zero seconds makes close() send a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                self.connection.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    # nobody listens any more to those who pause
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def step() -> Callable[..., Step]:
    return Step


@pytest.fixture
def closed_port() -> int:
    """A port of the loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def place(tmp_path: Path):
    """Fetch into a fresh folder, quickly; remembers where."""

    class Place:
        folder = tmp_path / "sources" / "demo"
        lock = tmp_path / "config" / "sources.lock.tsv"

        def path(self, source: Source) -> Path:
            return self.folder / source.file

        def fetch(self, source: Source, **settings) -> FetchReport:
            defaults = {"lock": self.lock, "retries": 2, "timeout": 5, "backoff": 0.01}
            return fetch(source, self.path(source), **(defaults | settings))

        def refuse(self, source: Source, *texts: str, **settings) -> str:
            """The message of the error that must come; nothing may stand under the final name."""
            with pytest.raises(InputError) as error:
                self.fetch(source, **settings)
            assert not self.path(source).exists()
            for text in texts:
                assert text in str(error.value)
            assert "\n" not in str(error.value)
            return str(error.value)

        def names(self) -> list[str]:
            return sorted(path.name for path in self.folder.iterdir())

    return Place()
