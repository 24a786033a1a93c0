"""A server as a process: slow and greedy clients, signals, and what it leaves."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")

from rnamarks.server.guards import owner_of
from rnamarks.server.results import RECORD

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
import scan_world as world

FASTA = b">first\n" + 20 * b"GAGGACUAACGGACUUACGU" + b"\n"
# long enough to be looked at while it is scanned, on a fast machine, too
LONG = b">long\n" + 100_000 * b"GAGGACUAACGGACUUACGU" + b"\n"
LIMITS = ("--maximum", str(10**7), "--tests", str(10**8))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("model"))


@contextlib.contextmanager
def serving(model, folder, *options):
    """A server in a process of its own, and its address."""
    command = [
        sys.executable,
        "-m",
        "rnamarks.cli",
        "serve",
        "--model",
        str(model),
        "--device",
        "cpu",
        "--threads",
        "1",
    ]
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {"PYTHONPATH": str(Path(world.__file__).parents[2] / "workflow"), "TMPDIR": str(folder / "tmp")}
    with subprocess.Popen(
        [*command, "--port", "0", *options],
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
        # tests that run in the background of a shell are deaf to it, and so would the server be
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as server:
        try:
            line = server.stderr.readline()
            assert "http://" in line, line + server.stderr.read()
            yield server, re.search(r"http://\S+/", line)[0]
        finally:
            server.kill()


def get(address, data=None, timeout=600):
    """Status and body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data=data), timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def connected(address):
    """A socket to a server."""
    host, port = address[7:-1].split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def test_what_is_sent_in_chunks_is_bounded_while_it_is_read(model, tmp_path):
    with serving(model, tmp_path, "--maximum", "100000") as (server, address), connected(address) as sending:
        sending.sendall(b"POST /api/scan HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent, largest = 0, 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(200):
                sending.sendall(b"100000\r\n" + (1 << 20) * b"A" + b"\r\n")
                sent += 1 << 20
                # files without a name are seen through the descriptors alone
                open_files = list(Path(f"/proc/{server.pid}/fd").iterdir())
                sizes = [os.stat(path).st_size for path in open_files if "/tmp/" in os.path.realpath(path)]
                largest = max([largest, *sizes])
        assert sent < 20 << 20
        assert largest < 5 << 20
        assert get(f"{address}api/model")[0] == 200


def test_slow_clients_leave_room_for_others_and_are_put_out(model, tmp_path):
    with serving(model, tmp_path) as (_, address), contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(address)) for _ in range(150)]
        ends = time.monotonic() + 200
        closed = set()
        while time.monotonic() < ends and len(closed) < len(slow):
            for number, one in enumerate(slow):
                try:
                    one.sendall(b"G")
                    one.setblocking(False)
                    if one.recv(100) == b"":
                        closed.add(number)
                except BlockingIOError:
                    pass
                except OSError:
                    closed.add(number)
                finally:
                    one.setblocking(True)
            assert get(f"{address}api/model", timeout=120)[0] == 200
            time.sleep(1)
        assert len(closed) == len(slow)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_ends_in_order_during_a_scan_and_the_next_one_goes_on(model, tmp_path, number):
    kept = tmp_path / "kept"
    with serving(model, tmp_path, "--keep", str(kept), *LIMITS) as (server, address), connected(address) as asking:
        head = b"POST /api/scan?all=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(LONG)
        asking.sendall(head + LONG)
        folder = next(path for path in iter(lambda: next(kept.glob("*/record.json"), None), 0) if path).parent
        ends = time.monotonic() + 600
        while not list(folder.glob(".picture.html.*.part")):
            assert time.monotonic() < ends
            time.sleep(0.02)
        server.send_signal(number)
        # a second signal while it ends changes nothing
        if number != signal.SIGKILL:
            server.send_signal(number)
        code = server.wait(600)
        said = server.stderr.read()
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0), said
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert not list(folder.glob(".*.part"))
        assert list((tmp_path / "tmp").iterdir()) == []
    with serving(model, tmp_path, "--keep", str(kept), *LIMITS) as (_, address):
        state = f"{address}scan/{folder.name}/state"
        assert get(state)[0] == 200
        assert b'"waiting"' in get(state)[1] or b'"running"' in get(state)[1]
        assert get(f"{address}scan/{folder.name}/stop", b"")[0] in (200, 303)
        ends = time.monotonic() + 600
        while [path.name for path in folder.iterdir()] != [RECORD]:
            assert time.monotonic() < ends
            time.sleep(0.1)
        assert b'"stopped"' in get(state)[1]


def test_two_servers_do_not_share_a_folder_or_an_address(model, tmp_path):
    kept = tmp_path / "kept"
    with serving(model, tmp_path, "--keep", str(kept)) as (_, address):
        assert get(f"{address}api/scan", FASTA)[0] == 200
        command = [sys.executable, "-m", "rnamarks.cli", "serve", "--model", str(model), "--device", "cpu"]
        environment = os.environ | {"PYTHONPATH": str(Path(world.__file__).parents[2] / "workflow")}
        for options, said in (
            (("--keep", str(kept), "--port", "0"), "another server keeps its results there (process "),
            (("--keep", str(tmp_path / "b"), "--port", address.split(":")[-1][:-1]), "the address cannot be had"),
            (("--keep", str(tmp_path / "b"), "--port", "0", "--host", "no.such.invalid"), "the address cannot be had"),
        ):
            done = subprocess.run([*command, *options], env=environment, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 2
            assert said in done.stderr
            assert "Traceback" not in done.stderr
    assert kept.stat().st_mode & 0o077 == 0


def test_neighbours_in_one_network_are_one_owner():
    assert owner_of("192.0.2.7") == "192.0.2.7"
    assert owner_of("2001:db8:1:2:3:4:5:6") == owner_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert owner_of("") == ""
