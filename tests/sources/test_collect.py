"""``rnamarks fetch``: a folder of all that configurations name."""

from __future__ import annotations

import csv
import errno
import hashlib
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.collect import collect_sources, named_sources
from rnamarks.configuration import Plan
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.keys import with_defaults
from rnamarks.run_files import check_mirror, check_mirrored
from rnamarks.schema import check_config
from rnamarks.sources.mirrors import add_to_list
from rnamarks.sources.sheet import COLUMNS, read_sources

ONE, TWO = b"ACGT\n" * 3000, b"ACGG\n" * 5
CONFIG = {
    "run": "a",
    "modification": "m6A",
    "motif": "DRACH",
    "motif_offset": 2,
    "window": 5,
    "root_species": "human",
    "species": {
        "human": {"windows": {"format": "lines", "all": {"positives": "source:one", "negatives": "source:two#*.txt"}}}
    },
}


@pytest.fixture
def configured(tmp_path: Path, repository: Path, server):
    """Writes a configuration whose sheet has these addresses, and gives its path."""

    def write(*urls: str, sha256: str = "", checked: str = "yes") -> Path:
        size = str(len(ONE)) if sha256 else ""
        rows = [
            ("one", "1", "windows", "human", urls[0], "", sha256, size, "", "MIT", "A 2020", "one.txt", checked, "n"),
            ("two", "1", "windows", "human", urls[1], "", "", "", "", "CC0", "B 2021", "two.zip", "yes", ""),
            ("unnamed", "1", "windows", "human", f"{server.root}/c", "", "", "", "", "x", "y", "three.txt", "yes", ""),
        ]
        (tmp_path / "sheet.tsv").write_text("\n".join("\t".join(row) for row in (COLUMNS, *rows)) + "\n")
        sheets = {name: str(repository / "config" / file) for name, file in SHEETS.items()}
        sources = {"sheet": str(tmp_path / "sheet.tsv"), "lock": str(tmp_path / "lock.tsv")}
        (tmp_path / "a.yaml").write_text(yaml.safe_dump(CONFIG | sheets | {"sources": sources}))
        return tmp_path / "a.yaml"

    return write


SHEETS = {"species_sheet": "species.tsv", "modification_sheet": "modifications.tsv", "tree": "species.nwk"}


def run(*arguments: str | Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "rnamarks.cli", "fetch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def listed(folder: Path) -> dict[str, dict[str, str]]:
    with open(folder / "sources.tsv") as handle:
        return {row["name"]: row for row in csv.DictReader(handle, delimiter="\t")}


def test_all_that_a_configuration_names_is_collected_once_and_listed(server, step, configured, tmp_path):
    urls = server.plan("/a", step(ONE)), server.plan("/b", step(TWO))
    config = configured(*urls, sha256=hashlib.sha256(ONE).hexdigest())
    done = run(config, "--to", tmp_path / "to", "--missing")
    assert (done.returncode, server.seen) == (1, [])
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == [["one", urls[0]], ["two", urls[1]]]
    done = run(config, config, "--to", tmp_path / "to")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 sources are in" in done.stderr
    assert (tmp_path / "to/one/one.txt").read_bytes() == ONE
    assert (tmp_path / "to/two/two.zip").read_bytes() == TWO
    rows = listed(tmp_path / "to")
    assert list(rows["one"]) == column_names("collected_sources")
    assert (rows["one"]["sha256"], rows["one"]["checksum"]) == (hashlib.sha256(ONE).hexdigest(), "published")
    assert (rows["two"]["file"], rows["two"]["licence"], rows["two"]["citation"]) == ("two/two.zip", "CC0", "B 2021")
    assert "two" in (tmp_path / "lock.tsv").read_text()
    seen = len(server.seen)
    assert run(config, "--to", tmp_path / "to").returncode == 0
    assert len(server.seen) == seen
    # the folder is a mirror, and what others have brought stays in its list
    assert run(config, "--to", tmp_path / "next", "--mirror", tmp_path / "to").returncode == 0
    collect_sources([], tmp_path / "next")
    assert listed(tmp_path / "next").keys() == {"one", "two"}
    assert len(server.seen) == seen


def test_what_was_begun_goes_on_and_what_is_missing_is_said(server, step, configured, tmp_path):
    cut = step(ONE, etag='"1"', cut=9000)
    # the first call gets a piece and gives up, and then nothing answers for the other
    config = configured(server.plan("/a", cut, step(b"", 503)), f"{server.root}/none")
    named = named_sources(config)
    failed = collect_sources(named.sources, tmp_path / "to", lock=named.lock, retries=1)
    assert list(failed) == ["one", "two"]
    assert "status 404" in failed["two"]
    assert (tmp_path / "to/one/one.txt.part").stat().st_size == 9000
    assert not (tmp_path / "to/sources.tsv").exists()
    server.plan("/a", step(ONE, etag='"1"'))
    done = run(config, "--to", tmp_path / "to")
    assert done.returncode == 1
    assert "could not fetch two" in done.stderr
    assert "1 of 2 sources are in" in done.stderr
    assert "bytes=9000-" in server.ranges("/a")
    assert listed(tmp_path / "to").keys() == {"one"}


def test_two_that_fill_a_folder_at_once_lose_no_line_of_its_list(server, step, configured, tmp_path):
    """The other one, with another configuration, enters its file while this one fetches."""
    config = configured(server.plan("/a", step(ONE)), server.plan("/b", step(TWO)))
    one, two = named_sources(config).sources
    other = dict.fromkeys(column_names("collected_sources"), "x") | {"name": "other"}

    @contextmanager
    def meanwhile(name: str):
        yield lambda done, total: add_to_list(tmp_path / "to", other)

    assert collect_sources([two], tmp_path / "to") == {}
    assert collect_sources([one], tmp_path / "to", show=meanwhile) == {}
    assert listed(tmp_path / "to").keys() == {"one", "two", "other"}


def test_what_was_altered_since_it_was_listed_is_not_listed_anew(server, step, configured, tmp_path):
    config = configured(server.plan("/a", step(ONE)), server.plan("/b", step(TWO)))
    assert run(config, "--to", tmp_path / "to").returncode == 0
    before = listed(tmp_path / "to")["one"]
    # the lock file lies elsewhere, with the clone
    (tmp_path / "lock.tsv").unlink()
    (tmp_path / "to/one/one.txt").write_bytes(ONE[::-1])
    done = run(config, "--to", tmp_path / "to")
    assert done.returncode == 1
    assert f"where the mirror's {tmp_path / 'to' / 'sources.tsv'} says" in done.stderr
    assert "remove the file to have it fetched again" in done.stderr
    assert listed(tmp_path / "to")["one"] == before


def test_a_full_disk_is_said_once(server, step, configured, tmp_path, monkeypatch):
    config = configured(server.plan("/a", step(ONE)), server.plan("/b", step(TWO)))

    def write(self, block, total):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rnamarks.sources.download._Download.append", write)
    with pytest.raises(InputError, match="no space is left for one; free some space; the download then goes on"):
        collect_sources(named_sources(config).sources, tmp_path / "to")


def test_a_file_made_by_hand_comes_from_a_mirror_alone(server, step, configured, tmp_path):
    config = configured(server.plan("/a", step(b"a pickle")), server.plan("/b", step(TWO)), checked="hand")
    done = run(config, "--to", tmp_path / "to")
    assert done.returncode == 1
    assert "one cannot be fetched: n" in done.stderr
    assert "/a" not in [path for path, _ in server.seen]
    (tmp_path / "mirror/one").mkdir(parents=True)
    (tmp_path / "mirror/one/one.txt").write_bytes(ONE)
    done = run(config, "--to", tmp_path / "to", "--mirror", tmp_path / "mirror")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"qqq": 1}, "there is no key qqq"),
        ({"species": {"human": {"windows": {"format": "lines", "all": {"positives": "source:x"}}}}}, "unknown source"),
    ],
)
def test_a_faulty_configuration_is_named_with_its_line(configured, tmp_path, server, change, text):
    config = configured(f"{server.root}/a", f"{server.root}/b")
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | change))
    with pytest.raises(InputError, match=rf"a\.yaml:\d+: .*{text}"):
        named_sources(config)


def test_nothing_at_all_and_a_list_that_is_none(configured, tmp_path, closed_port, server):
    config = configured(f"http://127.0.0.1:{closed_port}/a", f"http://127.0.0.1:{closed_port}/b")
    (tmp_path / "to").mkdir()
    (tmp_path / "to/sources.tsv").write_text("mine\nnote\n")
    done = run(config, "--to", tmp_path / "to")
    assert done.returncode == 2
    assert "is not one that rnamarks fetch wrote" in done.stderr
    (tmp_path / "to/sources.tsv").unlink()
    done = run(config, "--to", tmp_path / "to", "--mirror", tmp_path / "none")
    assert done.returncode == 2
    assert "nothing could be fetched" in done.stderr


@pytest.fixture
def read(configured):
    """Reads the configuration of these addresses with a mirror, as the workflow does."""

    def read(mirror: str | Path, *urls: str, **changes: str):
        config = yaml.safe_load(configured(*urls, **changes).read_text())
        config["sources"]["mirror"] = str(mirror)
        analyses = Analyses(Plan(with_defaults(check_config(config))))
        return analyses, {source.name: source for source in read_sources(config["sources"]["sheet"])}

    return read


URLS = ("https://127.0.0.1/a", "https://127.0.0.1/b")


@pytest.mark.parametrize(
    ("mirror", "text"),
    [
        ("empty", "empty: the mirror lacks 2 of the 2 published files .*'one/one.txt'.*rnamarks fetch CONFIG --to"),
        ("none", "none: the mirror is no folder that can be read here; name the folder that `rnamarks fetch"),
        ("file", "file: the mirror is no folder"),
        ("circle", "circle: the mirror is no folder"),
        ("ftp://host/a", "the mirror is an ftp address, .*; give the same path as https://.*, or name a folder"),
    ],
)
def test_what_is_no_mirror_is_refused_without_opening_it(read, tmp_path, monkeypatch, mirror, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InputError, match=text) as caught:
        check_mirror(*read(mirror, *URLS))
    assert caught.value.keys == ("sources", "mirror")


def test_altered_files_that_a_run_would_copy_are_refused(read, tmp_path):
    for name, content in (("one/one.txt", ONE[::-1]), ("two/two.zip", b"<html>")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    files = ["resources/sources/one/one.txt", "resources/sources/two/two.zip", "results/a/report.html"]
    given = read(tmp_path, *URLS, sha256=hashlib.sha256(ONE).hexdigest())
    check_mirror(*given)
    said = r"one.txt: this file of the mirror, and 1 more, is not what was published: its sha256 is .* the sheet says"
    with pytest.raises(InputError, match=said):
        check_mirrored(*given, files)
    with pytest.raises(InputError, match=r"two.zip: this file of the mirror is not .*: it is a web page"):
        check_mirrored(*given, files[1:])
    check_mirrored(*given, files[2:])
    (tmp_path / "one/one.txt").write_bytes(ONE)
    check_mirrored(*given, files[:1])
    assert not (tmp_path / "lock.tsv").exists(), "looking records nothing"
