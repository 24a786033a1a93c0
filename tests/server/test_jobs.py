"""Scans of a server take turns, stay within limits, can be given up, and outlive the server."""

from __future__ import annotations

import errno
import json
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")

from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Scanner
from rnamarks.server.app import create_app
from rnamarks.server.jobs import Busy, Jobs, Limits
from rnamarks.server.requests import Request
from rnamarks.server.results import RECORD, SEQUENCES, TABLE

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
import scan_world as world

FASTA = b">first\n" + 20 * b"GAGGACUAACGGACUUACGU" + b"\n"
EXACT, FAST = (Request(ScanOptions(top=mode == "exact"), mode) for mode in ("exact", "fast"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def fast(model):
    return Scanner(model, mode="fast", device="cpu")


@pytest.fixture
def start(fast, tmp_path):
    """Starts servers' queues on one folder, and ends them."""
    started = []

    def make(scanner=None, **limits):
        jobs = Jobs(
            {"exact": scanner or fast, "fast": fast}, tmp_path / "kept", model="mine", limits=Limits(nt=1000, **limits)
        )
        started.append(jobs)
        return jobs

    yield make
    for jobs in started:
        jobs.close()


class Held:
    """A scanner that waits for a sign and then fails, or ends where it is given up."""

    tasks = world.TASKS

    def __init__(self):
        self.sign, self.runs = threading.Event(), 0

    def run(self, *_, pause, **__):
        self.runs += 1
        while not self.sign.wait(0.02):
            pause()
        raise RuntimeError("out of memory")


def until(condition):
    """Wait for something."""
    ends = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_addresses_take_turns_and_each_may_wait_with_few(start):
    held = Held()
    jobs = start(held, waiting=5, each=3)
    first = jobs.submit(FASTA, EXACT, "a")
    until(lambda: first.state == "running")
    of_a = [jobs.submit(FASTA, FAST, "a") for _ in range(3)]
    with pytest.raises(Busy, match="3 scans from your address"):
        jobs.submit(FASTA, FAST, "a")
    of_b = jobs.submit(FASTA, FAST, "b")
    last = jobs.submit(b">a\nXYZ\n", FAST, "b")
    with pytest.raises(Busy, match="5 scans are waiting"):
        jobs.submit(FASTA, FAST, "c")
    assert jobs.ahead(of_b) == [first]
    assert jobs.ahead(of_a[0]) == [first, of_b]
    assert jobs.ahead(last) == [first, of_b, of_a[0]]
    held.sign.set()
    for job in (first, *of_a, of_b, last):
        assert job.over.wait(600)
    assert [job.state for job in (first, *of_a, of_b, last)] == ["broken", *3 * ["done"], "done", "refused"]
    assert sorted([*of_a, of_b], key=lambda job: job.ended) == [of_b, *of_a]
    assert of_a[0].ended <= last.ended <= of_a[1].ended
    assert "is no nucleotide" in last.fault
    assert [path.name for path in last.folder.iterdir()] == [RECORD]


def test_scans_can_be_given_up_and_results_deleted(start):
    held = Held()
    jobs = start(held)
    running, waiting = jobs.submit(FASTA, EXACT), jobs.submit(FASTA, FAST)
    until(lambda: running.state == "running")
    jobs.give_up(waiting)
    assert waiting.state == "stopped"
    jobs.give_up(running)
    assert running.over.wait(600)
    assert running.state == "stopped"
    assert not (running.folder / SEQUENCES).exists()
    done = jobs.submit(FASTA, FAST)
    assert done.over.wait(600)
    jobs.give_up(done)
    assert jobs.find(done.token) is None
    assert not done.folder.exists()


def test_results_outlive_the_server_and_what_did_not_end_is_begun_again(start):
    held = Held()
    jobs = start(held)
    done = jobs.submit(FASTA, FAST, "a")
    assert done.over.wait(600)
    running, waiting = jobs.submit(FASTA, EXACT, "a"), jobs.submit(FASTA, FAST, "b")
    until(lambda: running.state == "running")
    jobs.close()
    assert held.runs == 1
    assert running.over.is_set()
    # what a server that was killed leaves: half of a scan, and a folder without a record
    (running.folder / ".calls.tsv.abcdefgh.part").write_text("half")
    (running.folder.parent / ("x" * 22)).mkdir()
    # and a record of another version, which is not ours to delete
    strange = running.folder.parent / ("y" * 22)
    strange.mkdir()
    (strange / RECORD).write_text('{"request": 1}')
    again = start()
    kept = again.find(done.token)
    assert (kept.state, kept.model, kept.summary) == ("done", done.model, done.summary)
    assert kept.request == done.request
    assert [task.record() for task in kept.tasks] == [task.record() for task in done.tasks]
    assert kept.file(TABLE).read_bytes() == done.file(TABLE).read_bytes()
    for job in (running, waiting):
        found = again.find(job.token)
        assert found.over.wait(600)
        assert found.state == "done"
        assert found.file(TABLE).read_bytes()
        assert not list(found.folder.glob(".calls*"))
    assert not (running.folder.parent / ("x" * 22)).exists()
    assert {path.name for path in running.folder.parent.iterdir()} == {
        *(job.token for job in (done, running, waiting)),
        strange.name,
    }


def test_a_scan_that_kills_servers_is_given_up(start):
    held = Held()
    jobs = start(held)
    job = jobs.submit(FASTA, EXACT)
    until(lambda: job.state == "running")
    until(lambda: json.loads((job.folder / RECORD).read_text())["attempts"] == 1)
    killed = (job.folder / RECORD).read_text()
    jobs.close()
    # as it lies there after kill -9: the attempt counts
    (job.folder / RECORD).write_text(killed)
    second = start(held)
    until(lambda: second.find(job.token).state == "running")
    killed = json.dumps(json.loads(killed) | {"attempts": 2})
    second.close()
    (job.folder / RECORD).write_text(killed)
    third = start(held).find(job.token)
    assert third.state == "broken"
    assert third.over.is_set()


def test_results_expire_and_the_largest_owner_makes_room(start):
    jobs = start()
    mine = jobs.submit(FASTA, FAST, "one")
    assert mine.over.wait(600)
    others = [jobs.submit(FASTA, FAST, "many") for _ in range(3)]
    for job in others:
        assert job.over.wait(600)
    until(lambda: not jobs._running)
    jobs.results.most = jobs.results.size - 1
    jobs.results.clean()
    assert jobs.find(mine.token) is mine
    assert [jobs.find(job.token) for job in others] == [None, *others[1:]]
    mine.ended -= jobs.limits.seconds + 1
    mine.save()
    jobs.close()
    again = start()
    assert again.find(mine.token) is None
    assert not mine.folder.exists()
    assert again.find(others[2].token).state == "done"


def test_a_scan_has_limits_of_tests_and_of_bytes(start):
    few = start(tests=50)
    job = few.submit(FASTA, FAST)
    assert job.over.wait(600)
    assert job.state == "refused"
    assert "bases to test, counted for each task; give up to 50" in job.fault
    assert job.fault.startswith("your sequences")
    few.close()
    small = start(size=1000)
    job = small.submit(FASTA, Request(ScanOptions(alpha=None, top=False), "fast"))
    assert job.over.wait(600)
    assert job.state == "refused"
    assert "list fewer bases" in job.fault
    assert small.results.size < 5000


def test_the_time_left_is_told_from_scans_before(start):
    held = Held()
    jobs = start(held)
    assert jobs.seconds_left(jobs.submit(FASTA, FAST)) is None or jobs._pace
    until(lambda: "fast" in jobs._pace)
    running = jobs.submit(FASTA, EXACT)
    until(lambda: running.state == "running")
    jobs._pace["exact"] = jobs._pace["fast"]
    one, two = jobs.submit(FASTA, FAST, "a"), jobs.submit(2 * FASTA.replace(b"first", b"x"), FAST, "a")
    assert 0 < jobs.seconds_left(one) < jobs.seconds_left(two)
    running.begun, running.total, running.done = time.time() - 10, 400, 100
    assert jobs.seconds_left(running) == pytest.approx(30, abs=1)
    assert jobs.seconds_left(one) > 29


def test_a_full_disk_ends_one_request_and_leaves_nothing(tmp_path, model, monkeypatch):
    app = create_app(model, tmp_path / "kept", limits=Limits(nt=1000), device="cpu")

    def write(path: Path, data: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        answer = app.test_client().post("/api/scan", data=FASTA)
    assert (answer.status_code, answer.text) == (503, "the server's disk is full; try again in a while\n")
    assert list((tmp_path / "kept").iterdir()) == []
    assert app.test_client().post("/api/scan", data=FASTA).status_code == 200
    app.extensions["scans"].close()
