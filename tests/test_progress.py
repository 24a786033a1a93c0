import io

import pytest

from rnamarks.progress import show_bytes, show_sites


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    def set_times(*seconds):
        times = iter(seconds)
        monkeypatch.setattr("rnamarks.progress.time.monotonic", lambda: next(times))

    return set_times


def test_sites_without_a_terminal_are_lines_at_both_ends_and_every_ten_seconds(clock):
    clock(0.0, 0.0, 4.0, 12.0, 13.0)
    stream = io.StringIO()
    with show_sites(stream, "multi") as progress:
        for done in (4000, 6000, 8800, 10000):
            progress(done, 10000)
    assert stream.getvalue().splitlines() == [
        "multi: 4,000 of 10,000 sites",
        "multi: 8,800 of 10,000 sites, 400 sites/s",
        "multi: 10,000 of 10,000 sites, 462 sites/s",
    ]


def test_bytes_without_a_terminal_are_lines_every_ten_seconds(clock):
    clock(0.0, 4.0, 12.0, 13.0, 30.0)
    stream = io.StringIO()
    with show_bytes(stream, "genome_hg19") as progress:
        for done in (0, 50_000_000, 60_000_000):
            progress(done, 200_000_000)
        progress(90_000_000, None)
    assert stream.getvalue() == "genome_hg19: 50.0 of 200.0 MB (25%), 4.2 MB/s\ngenome_hg19: 90.0 MB, 3.0 MB/s\n"


def test_a_download_that_begins_anew_is_no_negative_speed(clock):
    clock(0.0, 1.0, 2.0, 20.0)
    stream = io.StringIO()
    with show_bytes(stream, "genome_hg19") as progress:
        for done in (50_000_000, 0, 40_000_000):
            progress(done, None)
    assert stream.getvalue() == "genome_hg19: 40.0 MB, 2.0 MB/s\n"


@pytest.mark.parametrize(("show", "numbers"), [(show_sites, "50/200"), (show_bytes, "50/200 bytes")])
def test_a_terminal_gets_a_bar(show, numbers):
    stream = Terminal()
    with show(stream, "multi") as progress:
        progress(50, 200)
    assert "multi" in stream.getvalue()
    assert numbers in stream.getvalue()
