"""A scan in the browser is the scan of the command line, and the server outlives whatever is sent to it."""

from __future__ import annotations

import errno
import functools
import gzip
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")

from rnamarks.errors import InputError
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.server.app import create_app, read_request
from rnamarks.server.jobs import SEQUENCES, TABLE, Busy, Jobs, Request
from rnamarks.server.page_view import PageView

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
import scan_world as world

RNG = np.random.default_rng(4)
LETTERS = "".join(RNG.choice(list("ACGU"), 230))
FASTA = f">first <b>\n{LETTERS}\n>second&co\n{LETTERS[::-1]}\n".encode()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("model"))


@pytest.fixture
def browser(model, tmp_path):
    return create_app(model, tmp_path, maximum=1000, device="cpu").test_client()


def scanned(browser, **form):
    """The page of a scan once it is done, and its address."""
    sent = browser.post("/scan", data={"tasks": world.NAMES} | form)
    assert sent.status_code == 303, sent.text
    address = sent.headers["Location"]
    for _ in range(600):
        page = browser.get(address)
        if 'http-equiv="refresh"' not in page.text:
            return page, address
        threading.Event().wait(0.05)
    raise AssertionError("the scan never ended")


def by_command(model, folder, options, **further):
    """What ``rnamarks scan`` writes."""
    (folder / "s.fa").write_bytes(FASTA)
    mode = further.pop("mode", "exact")
    Scanner(model, mode=mode, device="cpu").run(
        folder / "s.fa", options, Outputs(table=folder / "s.tsv"), warn=lambda line: None, **further
    )
    return (folder / "s.tsv").read_bytes()


def test_the_first_page_offers_what_the_model_has(browser):
    page = browser.get("/")
    assert page.status_code == 200
    for name in world.NAMES:
        assert f'name="tasks" value="{name}" checked' in page.text
    assert {"exact", "fast"} == set(re.findall(r'name="mode" value="(\w+)"', page.text))
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    about = browser.get("/api/model").json
    assert [entry["name"] for entry in about["tasks"]] == world.NAMES
    assert (about["window"], about["maximum_nt"], len(about["sha256"])) == (world.WINDOW, 1000, 64)


@pytest.mark.parametrize(
    ("query", "options", "further"),
    [
        ("", ScanOptions(), {}),
        ("?all=1&tasks=m6A,Y", ScanOptions(alpha=None), {"tasks": ["m6A", "Y"]}),
        ("?alpha=0.5&fdr=0.9&ends=skip", ScanOptions(alpha=0.5, fdr=0.9, ends="skip"), {}),
        ("?above=0.05&alpha=0.9", ScanOptions(alpha=0.9, above=0.05), {}),
        ("?mode=fast&alpha=0.3", ScanOptions(alpha=0.3, top=False), {"mode": "fast"}),
    ],
)
def test_programs_get_what_the_command_writes(browser, model, tmp_path, query, options, further):
    answer = browser.post(f"/api/scan{query}", data=FASTA)
    assert answer.status_code == 200
    assert answer.data == by_command(model, tmp_path, options, **further)
    assert len(answer.data.splitlines()) > 1
    assert browser.post(f"/api/scan{query}", data=gzip.compress(FASTA)).data == answer.data


def test_programs_get_other_formats(browser):
    bedrmod = browser.post("/api/scan?format=bedrmod", data=b">a\n" + LETTERS.encode())
    assert bedrmod.text.startswith("#fileformat=bedRModv2\n")
    attention = browser.post("/api/scan?format=attention&tasks=I", data=FASTA)
    assert attention.text.startswith("sequence\tstart\tend\ttask\tattended_start\tattended_end\tbase\tweight\n")


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("", b"", "your sequences: the file holds no sequence"),
        ("", b"ACGU\n", "your sequences:1: the file is not FASTA"),
        ("", b">a\nAC\n>b\nMKLV\n", "your sequences:4: the line holds a letter that is no nucleotide"),
        ("", b">a\n" + b"A" * 1001, "your sequences:2: there are more than 1,000 nt"),
        ("", gzip.compress(b">a\n" + b"A" * 500_000_000), "there are more than 1,000 nt"),
        ("", b"\x1f\x8b broken", "your sequences"),
        ("?alpha=small", FASTA, "alpha is no number (found 'small')"),
        ("?alpha=2", FASTA, "alpha must lie above 0"),
        ("?tasks=m7G", FASTA, "there is no such task (found 'm7G')"),
        ("?mode=magic", FASTA, "the model has no such mode (found 'magic'); use exact or fast"),
        ("?colour=red", FASTA, "there is no such option (found 'colour')"),
        ("?format=xlsx", FASTA, "there is no format xlsx"),
        ("?format=bedrmod", b">a.b\nACGU\n>a,b\nACGU\n", "bedRMod allows letters, digits and _"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_faults_are_one_line_and_the_next_scan_works(browser, query, body, said):
    answer = browser.post(f"/api/scan{query}", data=body)
    assert answer.status_code == 400
    assert said in answer.text
    assert answer.text.count("\n") == 1
    assert browser.post("/api/scan", data=FASTA).status_code == 200


def test_what_is_too_large_is_not_read(browser):
    answer = browser.post("/api/scan", data=b">a\n" + b"A" * 2_000_000)
    assert answer.status_code == 413
    assert "1,000 nt" in answer.text


def test_a_page_shows_each_call_and_hands_out_the_files(browser, model, tmp_path):
    page, address = scanned(browser, sequences=FASTA.decode(), alpha="0.5", bedrmod="on", attention="on")
    (tmp_path / "by_hand").mkdir()
    options = ScanOptions(alpha=0.5, weights=True)
    table = browser.get(f"{address}/calls.tsv")
    assert table.data == by_command(model, tmp_path / "by_hand", options)
    assert page.text.count('class="call') == len(table.data.splitlines()) - 1
    full = sum(float(line.split("\t")[9]) < 0.1 for line in table.text.splitlines()[1:])
    assert page.text.count('class="call full"') == full
    assert "second&amp;co" in page.text
    letters = re.findall(r"<span>((?:<i>\w</i>)+)</span>", page.text)
    assert "".join(letters[:3]).replace("<i>", "").replace("</i>", "") == LETTERS
    assert browser.get(f"{address}/calls.bedrmod").status_code == 200
    assert browser.get(f"{address}/attention.tsv").status_code == 200
    assert "scored with N beyond it" in page.text


def test_names_cannot_bring_markup_along(browser):
    page, _ = scanned(browser, sequences=f"><script>alert(1)</script>\n{LETTERS}", all="on")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    refused, _ = scanned(browser, sequences=">a\n<script>")
    assert "is no nucleotide" in refused.text
    assert "<script>" not in refused.text


def test_bare_letters_and_uploads_are_taken(browser):
    page, _ = scanned(browser, sequences=LETTERS.lower().replace("u", "t"), tasks=["Y", "I"], alpha="1")
    assert "<h3>sequence <small>230 nt" in page.text
    assert set(re.findall(r'title="(\w+) at', page.text)) == {"Y", "I"}
    upload = (io.BytesIO(gzip.compress(FASTA)), "mine.fa.gz")
    page, _ = scanned(browser, file=upload, sequences="ignored")
    assert "second&amp;co" in page.text


def test_unknown_addresses_say_so(browser):
    _, address = scanned(browser, sequences=LETTERS)
    for other in ("/scan/nothing", f"{address}/{SEQUENCES}", f"{address}/..%2fmodel", f"{address}/calls.bedrmod"):
        answer = browser.get(other)
        assert answer.status_code == 404, other
        assert "results are kept until" in answer.text
    assert browser.post("/scan", data={"sequences": " ", "tasks": "I"}).status_code == 400
    nothing = browser.post("/scan", data={"sequences": LETTERS})
    assert nothing.status_code == 400
    assert "no task is ticked" in nothing.text
    foreign = browser.post("/scan", data={"sequences": LETTERS, "tasks": "I"}, headers={"Origin": "http://other.org"})
    assert foreign.status_code == 403
    own = browser.post("/scan", data={"sequences": LETTERS, "tasks": "I"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 303


def test_long_pictures_end_and_say_so(model, tmp_path):
    (tmp_path / "s.fa").write_bytes(FASTA)
    page = io.StringIO()
    view = functools.partial(PageView, page, nt=10, maximum_rows=4)
    Scanner(model, device="cpu").run(
        tmp_path / "s.fa", ScanOptions(alpha=None), Outputs(view=view), warn=lambda line: None
    )
    assert page.getvalue().count('class="row"') == 4
    assert "42 more rows with calls are in the table alone" in page.getvalue()
    assert page.getvalue().count("<section") == page.getvalue().count("</section>") == 1


class Stubborn:
    """A scanner that waits for a sign and then fails."""

    def __init__(self):
        self.sign = threading.Event()

    def run(self, *_, **__):
        self.sign.wait(600)
        raise RuntimeError("out of memory")


def test_a_full_disk_ends_one_request_and_leaves_nothing(tmp_path, model, monkeypatch):
    app = create_app(model, tmp_path, maximum=1000, device="cpu")

    def write(path: Path, data: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        answer = app.test_client().post("/api/scan", data=FASTA)
    assert (answer.status_code, answer.text) == (503, "the server's disk is full; try again in a while\n")
    assert list(tmp_path.iterdir()) == []
    assert app.test_client().post("/api/scan", data=FASTA).status_code == 200


def test_the_queue_is_bounded_and_a_broken_scan_ends_alone(tmp_path, model):
    stubborn = Stubborn()
    jobs = Jobs({"exact": stubborn, "fast": Scanner(model, device="cpu")}, tmp_path, maximum=1000, waiting=2, kept=2)
    asked, good = (Request(ScanOptions(), mode) for mode in ("exact", "fast"))
    first = jobs.submit(FASTA, asked)
    while first.state == "waiting":
        threading.Event().wait(0.01)
    second, third = jobs.submit(FASTA, good), jobs.submit(b">a\nXYZ\n", good)
    assert (jobs.ahead(second), jobs.ahead(third)) == (1, 2)
    with pytest.raises(Busy):
        jobs.submit(FASTA, good)
    assert len(list(tmp_path.iterdir())) == 3
    stubborn.sign.set()
    for job in (first, second, third):
        assert job.ended.wait(600)
    assert [job.state for job in (first, second, third)] == ["broken", "done", "refused"]
    assert second.file(TABLE).is_file()
    assert not (second.folder / SEQUENCES).exists()
    fourth = jobs.submit(FASTA, good)
    assert jobs.find(first.token) is None
    assert jobs.find(second.token) is None
    assert not second.folder.exists()
    assert jobs.find(third.token) is third
    assert fourth.ended.wait(600)


def test_requests_are_read_as_the_command_reads_its_options():
    assert read_request({}) == Request(ScanOptions(), "exact")
    asked = read_request({"mode": "fast", "attention": "on", "tasks": " m6A ,Y", "alpha": ""})
    assert asked == Request(ScanOptions(weights=True), "fast", ("m6A", "Y"))
    with pytest.raises(InputError, match="no such way to treat ends"):
        read_request({"ends": "guess"})


@pytest.mark.slow
def test_the_command_serves_until_it_is_stopped(model, tmp_path):
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
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(world.__file__).parents[2] / "workflow")}
    options = {"env": os.environ | environment, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "--port", "0"], **options) as server:
        try:
            address = re.search(r"http://\S+/", server.stderr.readline())[0]
            with urllib.request.urlopen(urllib.request.Request(f"{address}api/scan", data=FASTA)) as answer:
                assert answer.read() == by_command(model, tmp_path, ScanOptions())
            assert list(tmp_path.glob("rnamarks-serve.*"))
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(600) == 0
    assert not list(tmp_path.glob("rnamarks-serve.*"))
    # a name that no resolver knows, and a server that ends while it scans
    done = subprocess.run([*command, "--host", "no.such.invalid", "--port", "0"], **options)
    assert (done.returncode, "the address cannot be had" in done.stderr) == (2, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run([*command, "--port", str(taken.getsockname()[1])], **options)
    assert done.returncode == 2
    assert "the address cannot be had" in done.stderr
