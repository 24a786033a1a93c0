"""Files are fetched whole from servers that misbehave, by several processes, and after a kill."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from patience import PATIENCE, wait_until
from published import HTML, PACKED, TEXT, sha256, source
from rnamarks.sources.download import fetch
from rnamarks.sources.lock import read_lock


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_passing_statuses_are_tried_again(server, step, place, status):
    wanted = source(server.plan("/a", step(b"busy", status), step(TEXT)))
    report = place.fetch(wanted)
    assert (report.attempts, report.resumed) == (2, False)
    assert place.path(wanted).read_bytes() == TEXT


def test_attempts_end_and_the_second_address_is_tried(server, step, place):
    wanted = source(server.plan("/a", step(b"busy", 503)), server.plan("/b", step(TEXT)))
    report = place.fetch(wanted)
    assert (report.url, report.attempts) == (wanted.url2, 4)
    assert len(server.ranges("/a")) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_lasting_statuses_are_not_tried_again(server, step, place, status):
    wanted = source(server.plan("/a", step(b"gone", status)), server.plan("/b", step(TEXT)))
    assert place.fetch(wanted).attempts == 2
    assert len(server.ranges("/a")) == 1


def test_every_address_is_listed_with_its_reason_and_the_remedy(server, step, place, closed_port):
    wanted = source(server.plan("/a", step(b"gone", 404)), f"http://127.0.0.1:{closed_port}/b")
    text = place.refuse(wanted, f"{wanted.url} (status 404", "refused", "3 attempts", "mirror:", "by hand")
    assert str(place.path(wanted)) in text
    assert text.index(wanted.url) < text.index(wanted.url2)
    assert place.names() == []
    assert not place.lock.exists()


def test_waits_longer_each_time_and_as_long_as_the_server_asks(server, step, place, monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    busy = step(b"busy", 503)
    place.refuse(source(server.plan("/a", busy)), retries=7, backoff=1)
    assert waits == [1, 2, 4, 8, 16, 32, 60]
    waits.clear()
    later = step(b"busy", 429, headers={"Retry-After": "9"})
    place.fetch(source(server.plan("/b", later, step(TEXT))), backoff=1)
    assert waits == [9]


def test_a_cut_body_is_resumed(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, etag='"1"', cut=50_000), step(TEXT, etag='"1"')))
    report = place.fetch(wanted)
    assert (report.resumed, report.attempts) == (True, 2)
    assert server.ranges("/a") == [None, "bytes=50000-"]
    assert server.seen[-1][1]["if-range"] == '"1"'
    assert place.path(wanted).read_bytes() == TEXT
    assert place.names() == ["sites.txt"]


def test_last_modified_serves_where_the_tag_is_weak(server, step, place):
    modified = "Wed, 21 Oct 2015 07:28:00 GMT"
    cut = step(TEXT, etag='W/"1"', modified=modified, cut=70_000)
    wanted = source(server.plan("/a", cut, step(TEXT, etag='W/"1"', modified=modified)))
    assert place.fetch(wanted).resumed
    assert server.seen[-1][1]["if-range"] == modified


def test_a_reset_in_the_middle_is_resumed(server, step, place):
    whole = step(TEXT, etag='"1"')
    cut = dataclasses.replace(whole, cut=60_000, reset=True, pause=0.1)
    wanted = source(server.plan("/a", cut, whole))
    assert place.fetch(wanted).attempts == 2
    assert place.path(wanted).read_bytes() == TEXT


def test_a_reset_before_any_answer(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, cut=0, reset=True), step(TEXT)))
    assert place.fetch(wanted).attempts == 2


def test_attempts_that_bring_something_are_not_counted(server, step, place):
    whole = step(TEXT, etag='"1"')
    wanted = source(server.plan("/a", *[dataclasses.replace(whole, cut=40_000)] * 6, whole))
    report = place.fetch(wanted, retries=1)
    assert report.attempts == 7
    assert place.path(wanted).read_bytes() == TEXT


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_always_ends_early_leaves_only_the_part(server, step, place, chunked):
    cut = step(TEXT, cut=50_000, ranges=False, etag='"1"', chunked=chunked)
    wanted = source(server.plan("/a", cut))
    place.refuse(wanted, "attempts")
    assert place.names() == ["sites.txt.part", "sites.txt.part.json"]
    assert (place.folder / "sites.txt.part").read_bytes() == TEXT[:50_000]


def test_the_part_of_a_failed_call_is_used_by_the_next(server, step, place):
    whole = step(TEXT, etag='"1"')
    wanted = source(server.plan("/a", dataclasses.replace(whole, cut=50_000), step(b"busy", 503)))
    place.refuse(wanted)
    server.plan("/a", whole)
    assert place.fetch(wanted).resumed
    assert server.ranges("/a")[-1] == "bytes=50000-"
    assert place.names() == ["sites.txt"]


def test_a_server_without_ranges_sends_it_all_again(server, step, place):
    cut = step(TEXT, etag='"1"', cut=50_000)
    wanted = source(server.plan("/a", cut, step(TEXT, etag='"1"', ranges=False)))
    report = place.fetch(wanted)
    assert not report.resumed
    assert server.ranges("/a")[-1] == "bytes=50000-"
    assert place.path(wanted).read_bytes() == TEXT


def test_no_piece_is_asked_for_without_a_validator_or_a_checksum(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, cut=50_000), step(TEXT)))
    place.fetch(wanted)
    assert server.ranges("/a") == [None, None]
    server.plan("/b", step(TEXT, cut=50_000), step(TEXT))
    known = source(server.root + "/b", file="known.txt", name="known", sha256=sha256(TEXT))
    assert place.fetch(known).resumed


@pytest.mark.parametrize("heed_if_range", [True, False])
def test_a_file_that_changed_midway_is_taken_from_the_start(server, step, place, heed_if_range):
    new = TEXT.replace(b"m6A", b"m5C")
    steps = step(TEXT, etag='"1"', cut=50_000), step(new, etag='"2"', heed_if_range=heed_if_range)
    wanted = source(server.plan("/a", *steps))
    assert not place.fetch(wanted).resumed
    assert place.path(wanted).read_bytes() == new


def test_a_wrong_join_that_the_server_hides_is_found_by_the_checksum(server, step, place):
    new = TEXT.replace(b"m6A", b"m5C")
    wanted = source(server.plan("/a", step(TEXT, cut=50_000), step(new)), sha256=sha256(new))
    report = place.fetch(wanted)
    assert (report.resumed, report.attempts) == (False, 3)
    assert place.path(wanted).read_bytes() == new


def test_a_part_longer_than_the_file_is_dropped(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, etag='"1"', cut=50_000), step(b"busy", 503)))
    place.refuse(wanted)
    server.plan("/a", step(TEXT[:20_000], etag='"1"'))
    assert place.fetch(wanted).bytes == 20_000


def test_a_complete_part_is_only_verified(server, step, place):
    url = server.plan("/a", step(TEXT, etag='"1"'))
    wanted = source(url)
    place.folder.mkdir(parents=True)
    (place.folder / "sites.txt.part").write_bytes(TEXT)
    (place.folder / "sites.txt.part.json").write_text(json.dumps({"url": url, "etag": '"1"', "total": len(TEXT)}))
    assert place.fetch(wanted).resumed
    assert place.path(wanted).read_bytes() == TEXT


def test_a_part_with_unreadable_notes_is_not_trusted(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, etag='"1"')))
    place.folder.mkdir(parents=True)
    (place.folder / "sites.txt.part").write_bytes(b"x" * 100)
    (place.folder / "sites.txt.part.json").write_text("{")
    assert not place.fetch(wanted).resumed
    assert place.path(wanted).read_bytes() == TEXT


def test_a_length_too_long_is_an_early_end(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, length=len(TEXT) + 100)))
    place.refuse(wanted, "attempts")


def test_a_body_without_length_is_taken(server, step, place):
    assert place.fetch(source(server.plan("/a", step(PACKED, length=-1)), file="g.fa.gz")).bytes == len(PACKED)


def test_a_chunked_body_is_taken(server, step, place):
    assert place.fetch(source(server.plan("/a", step(PACKED, chunked=True)), file="g.fa.gz")).sha256 == sha256(PACKED)


@pytest.mark.slow
def test_a_silent_server_runs_into_the_time_limit(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, etag='"1"', cut=50_000, pause=PATIENCE), step(TEXT, etag='"1"')))
    report = place.fetch(wanted, timeout=1)
    assert (report.resumed, report.attempts) == (True, 2)
    place.refuse(
        source(server.plan("/b", step(TEXT, cut=0, pause=PATIENCE)), file="b"), "0.1 s", retries=0, timeout=0.1
    )


def test_a_slow_server_is_waited_for(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, chunk=60_000, delay=0.15)))
    assert place.fetch(wanted, timeout=PATIENCE).attempts == 1


def test_redirects_are_followed(server, step, place):
    server.plan("/new", step(TEXT))
    wanted = source(server.plan("/a", step(b"", 302, headers={"Location": "/new"})))
    assert place.fetch(wanted).bytes == len(TEXT)
    loop = source(server.plan("/loop", step(b"", 302, headers={"Location": "/loop"})), file="b")
    place.refuse(loop, "redirects")


@pytest.mark.parametrize("form", ["{folder}", "file://{folder}", "{server}", "{server}/"])
def test_a_mirror_replaces_every_host(server, step, place, tmp_path, form):
    (tmp_path / "my mirror" / "demo").mkdir(parents=True)
    (tmp_path / "my mirror" / "demo" / "sites.txt").write_bytes(TEXT)
    server.plan("/demo/sites.txt", step(TEXT))
    wanted = source(server.plan("/a", step(HTML)), server.plan("/b", step(HTML)))
    folder = str(tmp_path / "my mirror")
    mirror = form.format(folder=folder.replace(" ", "%20") if "file:" in form else folder, server=server.root)
    report = place.fetch(wanted, mirror=mirror)
    assert report.url.endswith("/demo/sites.txt")
    assert not server.ranges("/a")
    assert not server.ranges("/b")
    assert place.path(wanted).read_bytes() == TEXT
    assert not place.path(wanted).is_symlink()


def test_an_empty_mirror_means_none(server, step, place):
    assert place.fetch(source(server.plan("/a", step(TEXT))), mirror="").bytes == len(TEXT)


def test_ftp_is_refused_with_the_way_out(place):
    place.refuse(source("ftp://host/a"), "ftp", "https://")
    place.refuse(source("http://host/a"), "the mirror is an ftp address", "https://", mirror="ftp://host/pub")
    place.refuse(source("http://host/a"), "mirror", "name a folder", mirror="s3://bucket")


def test_permissions_are_those_of_an_ordinary_file(server, step, place, tmp_path):
    wanted = source(server.plan("/a", step(TEXT)))
    place.fetch(wanted)
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")
    assert place.path(wanted).stat().st_mode == ordinary.stat().st_mode


def test_a_full_disk_is_said_so(server, step, place, monkeypatch):
    def full(self, block, total):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rnamarks.sources.download._Download.append", full)
    place.refuse(source(server.plan("/a", step(TEXT))), "no space is left for demo")


CHILD = """
import sys
from rnamarks.sources.download import fetch
from rnamarks.sources.sheet import Source
name, url, path, lock, digits = sys.argv[1:]
source = Source(name, "1", "sites", ("human",), url, "", digits, None, "hg19", "free", "none", "sites.txt")
report = fetch(source, path, lock=lock, retries=2, timeout=600, backoff=0.01)
print(report.verified, report.resumed, report.attempts)
"""


def start(name: str, url: str, path: Path, lock: Path, digits: str = "") -> subprocess.Popen:
    workflow = Path(__file__).resolve().parents[2] / "workflow"
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, name, url, str(path), str(lock), digits],
        env=os.environ | {"PYTHONPATH": str(workflow)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_for_one_file_fetch_it_once(server, step, place):
    url = server.plan("/a", step(TEXT, chunk=20_000, delay=0.05))
    children = [start("demo", url, place.folder / "sites.txt", place.lock) for _ in range(2)]
    said = sorted(child.communicate(timeout=PATIENCE)[0].rsplit(maxsplit=2)[0] for child in children)
    assert [child.returncode for child in children] == [0, 0]
    assert said == ["lock", "recorded now"]
    assert len(server.seen) == 1
    assert (place.folder / "sites.txt").read_bytes() == TEXT
    assert place.names() == ["sites.txt"]


def test_many_at_once_all_stand_in_the_lock(server, step, place, tmp_path):
    url = server.plan("/a", step(TEXT))
    names = [f"source{number}" for number in range(12)]
    wanted = [source(url, name=name) for name in names]
    threads = [
        threading.Thread(target=fetch, args=(one, tmp_path / one.name / one.file), kwargs={"lock": place.lock})
        for one in wanted
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(read_lock(place.lock)) == sorted(names)
    assert [path.name for path in place.lock.parent.iterdir()] == [place.lock.name]


def test_a_killed_process_leaves_a_part_that_the_next_goes_on_from(server, step, place):
    url = server.plan("/a", step(TEXT, etag='"1"', cut=60_000, pause=PATIENCE), step(TEXT, etag='"1"'))
    path = place.folder / "sites.txt"
    part = place.folder / "sites.txt.part"
    child = start("demo", url, path, place.lock)
    wait_until(lambda: part.exists() and part.stat().st_size == 60_000, child)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.communicate()
    assert not path.exists()
    report = place.fetch(source(url))
    assert report.resumed
    assert server.ranges("/a") == [None, "bytes=60000-"]
    assert path.read_bytes() == TEXT
    assert place.names() == ["sites.txt"]


def test_progress_hears_of_every_byte(server, step, place):
    heard = []
    place.fetch(source(server.plan("/a", step(TEXT))), progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (len(TEXT), len(TEXT))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
