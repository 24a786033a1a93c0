"""A fetched file is the right one, or is refused."""

from __future__ import annotations

import dataclasses
import time

import pytest

from published import HTML, PACKED, TEXT, sha256, source
from rnamarks.errors import InputError
from rnamarks.sources.download import FetchReport
from rnamarks.sources.lock import read_lock
from rnamarks.sources.mirrors import add_to_list, columns


def test_fetches_and_records_the_checksum_once(server, step, place):
    wanted = source(server.plan("/a", step(TEXT)))
    report = place.fetch(wanted)
    assert report == FetchReport(
        "demo", place.path(wanted), wanted.url, len(TEXT), sha256(TEXT), False, 1, "recorded now"
    )
    assert place.path(wanted).read_bytes() == TEXT
    assert place.names() == ["sites.txt"]
    entry = read_lock(place.lock)["demo"]
    assert (entry.url, entry.sha256, entry.bytes) == (wanted.url, sha256(TEXT), len(TEXT))
    assert time.strptime(entry.date, "%Y-%m-%d")

    place.path(wanted).unlink()
    before = place.lock.read_bytes()
    assert place.fetch(wanted).verified == "lock"
    assert place.lock.read_bytes() == before


def test_the_sheet_goes_before_the_lock(server, step, place):
    place.lock.parent.mkdir()
    place.lock.write_text(f"name\turl\tsha256\tbytes\tdate\ndemo\thttp://x/y\t{'0' * 64}\t3\t2020-01-01\n")
    wanted = source(server.plan("/a", step(TEXT)), sha256=sha256(TEXT), bytes=len(TEXT))
    assert place.fetch(wanted).verified == "sheet"
    assert read_lock(place.lock)["demo"].sha256 == "0" * 64


def test_the_list_of_a_mirror_checks_what_no_publisher_states(place, tmp_path):
    wanted = source("http://127.0.0.1:9/a")
    (tmp_path / "mirror" / wanted.name).mkdir(parents=True)
    file = tmp_path / "mirror" / wanted.name / wanted.file
    file.write_bytes(TEXT)
    row = dict.fromkeys(columns(), "x") | {"name": wanted.name, "sha256": sha256(TEXT)}
    add_to_list(tmp_path / "mirror", row)
    file.write_bytes(TEXT[::-1])
    place.refuse(wanted, "where the mirror's", mirror=tmp_path / "mirror")
    assert not place.lock.exists()
    file.write_bytes(TEXT)
    assert place.fetch(wanted, mirror=(tmp_path / "mirror").as_uri()).verified == "mirror"
    assert read_lock(place.lock)[wanted.name].sha256 == sha256(TEXT)
    place.path(wanted).unlink()
    assert place.fetch(wanted, mirror=tmp_path / "mirror").verified == "lock"


def test_without_a_lock_file_nothing_is_checked(server, step, place):
    assert place.fetch(source(server.plan("/a", step(TEXT))), lock=None).verified == "nothing"


@pytest.mark.parametrize("content_type", ["text/html", "text/plain"])
@pytest.mark.parametrize(
    "page", [HTML, b"\xef\xbb\xbf\n  <!-- v2 --> <HTML lang='en'>", b'<?xml version="1.0"?>\n' + HTML]
)
def test_a_web_page_with_status_200_is_refused(server, step, place, page, content_type):
    wanted = source(server.plan("/a", step(page, content_type=content_type)))
    place.refuse(wanted, "it is a web page")
    assert len(server.seen) == 1
    assert place.names() == []
    assert not place.lock.exists()


def test_a_table_that_the_server_calls_html_is_taken(server, step, place):
    assert place.fetch(source(server.plan("/a", step(TEXT, content_type="text/html")))).bytes == len(TEXT)


def test_a_web_page_does_not_cost_the_part(server, step, place):
    whole = step(TEXT, etag='"1"')
    steps = dataclasses.replace(whole, cut=50_000), step(HTML, ranges=False)
    wanted = source(server.plan("/a", *steps))
    place.refuse(wanted, "web page")
    server.plan("/a", whole)
    assert place.fetch(wanted).resumed


def test_a_length_too_short_is_found_by_gzip(server, step, place):
    wanted = source(server.plan("/a", step(PACKED, length=len(PACKED) - 1000)), file="g.fa.gz")
    place.refuse(wanted, "gzip stream is cut off")
    assert place.names() == []


def test_a_length_too_short_is_found_by_the_size_in_the_sheet(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, length=1000)), bytes=len(TEXT))
    place.refuse(wanted, f"offers 1000 bytes where the sheet says {len(TEXT)}")


def test_an_end_without_length_is_checked_against_the_sheet(server, step, place):
    wanted = source(server.plan("/a", step(TEXT, length=-1, cut=1000)), bytes=len(TEXT))
    place.refuse(wanted, f"has 1000 bytes where the sheet says {len(TEXT)}")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (TEXT, "not gzip"),
        (PACKED[:-4], "cut off or corrupt"),
        (PACKED[:1000] + b"\0\1\2\3" + PACKED[1004:], "cut off or corrupt"),
        (PACKED + b"trailing", "cut off or corrupt"),
        (b"", "empty"),
    ],
)
def test_bad_gzip_is_refused_and_the_second_address_used(server, step, place, body, fault):
    bad, good = server.plan("/a", step(body)), server.plan("/b", step(PACKED))
    place.refuse(source(bad, file="g.fa.gz"), fault)
    assert place.names() == []
    assert place.fetch(source(bad, good, file="g.fa.gz")).url == good


def test_gzip_stays_packed_whatever_the_server_says(server, step, place):
    wanted = source(server.plan("/a", step(PACKED, headers={"Content-Encoding": "gzip"})), file="g.fa.gz")
    assert place.fetch(wanted).sha256 == sha256(PACKED)
    assert server.seen[0][1]["accept-encoding"] == "identity"
    plain = source(server.plan("/b", step(PACKED, headers={"Content-Encoding": "gzip"})))
    place.refuse(plain, "packs the file")


def test_wrong_bytes_are_refused_and_the_second_address_used(server, step, place):
    bad, good = server.plan("/a", step(TEXT[::-1])), server.plan("/b", step(TEXT))
    place.refuse(source(bad, sha256=sha256(TEXT)), sha256(TEXT)[:12], sha256(TEXT[::-1])[:12], "the sheet")
    assert place.names() == []
    assert len(server.ranges("/a")) == 1
    assert place.fetch(source(bad, good, sha256=sha256(TEXT))).url == good


def test_bytes_that_differ_from_the_lock_are_refused(server, step, place):
    wanted = source(server.plan("/a", step(TEXT), step(TEXT[::-1])))
    place.fetch(wanted)
    place.path(wanted).unlink()
    place.refuse(wanted, "lock file")
    assert read_lock(place.lock)["demo"].sha256 == sha256(TEXT)


def test_a_mirror_is_verified_like_any_host(server, step, place, tmp_path):
    wanted = source(server.plan("/a", step(TEXT)), sha256=sha256(TEXT))
    place.refuse(wanted, str(tmp_path / "demo" / "sites.txt"), "No such file", mirror=tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "sites.txt").write_bytes(TEXT[:-1])
    place.refuse(wanted, "sha256", mirror=tmp_path)
    (tmp_path / "demo" / "sites.txt").write_bytes(HTML)
    place.refuse(wanted, "web page", mirror=tmp_path)
    assert place.names() == []
    assert server.seen == []


def test_a_file_put_there_by_hand_is_kept_without_a_connection(server, step, place):
    wanted = source(server.plan("/a", step(TEXT)), sha256=sha256(TEXT))
    place.folder.mkdir(parents=True)
    place.path(wanted).write_bytes(TEXT)
    report = place.fetch(wanted)
    assert (report.url, report.attempts, report.verified) == (None, 0, "sheet")
    unknown = source(wanted.url)
    assert place.fetch(unknown).verified == "recorded now"
    assert read_lock(place.lock)["demo"].url == "by hand"
    assert place.fetch(unknown).verified == "lock"
    assert server.seen == []
    assert place.names() == ["sites.txt"]


def test_a_wrong_file_put_there_by_hand_is_neither_kept_nor_overwritten(server, step, place):
    wanted = source(server.plan("/a", step(TEXT)), sha256=sha256(TEXT))
    place.folder.mkdir(parents=True)
    place.path(wanted).write_bytes(b"mine")
    with pytest.raises(InputError, match=r"not demo.*remove the file"):
        place.fetch(wanted)
    assert place.path(wanted).read_bytes() == b"mine"
    assert server.seen == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("demo\thttp://x\tabc\t3\t2020-01-01", "not one that a download wrote"),
        ("demo\thttp://x", "not one that a download wrote"),
        (f"demo\thttp://x\t{'a' * 64}\t3\t2020-01-01\n" * 2, "recorded twice"),
    ],
)
def test_a_damaged_lock_is_said_so(server, step, place, line, fault):
    place.lock.parent.mkdir()
    place.lock.write_text(f"name\turl\tsha256\tbytes\tdate\n{line}\n")
    place.refuse(source(server.plan("/a", step(TEXT))), fault, f"{place.lock}:")
    assert server.seen == []
