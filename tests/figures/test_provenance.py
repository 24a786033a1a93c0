"""Input files, checksums, software and revision."""

from __future__ import annotations

import hashlib
import subprocess
from types import SimpleNamespace

from rnamarks.dictionary import column_names
from rnamarks.figures.provenance import revision, software, source_table


def test_checksums_say_where_they_come_from(tmp_path):
    file = tmp_path / "genome.fa"
    file.write_bytes(b">a\nACGT\n")
    common = {"version": "1", "url": "ftp://one/genome.fa", "licence": "free", "citation": "Somebody 2020"}
    sources = {"known": SimpleNamespace(sha256="ab" * 32, **common), "unknown": SimpleNamespace(sha256="", **common)}
    lock = {"unknown": SimpleNamespace(sha256="cd" * 32, url="ftp://two/genome.fa", date="2026-01-02")}
    references = ("source:known", "source:unknown#member.fa", str(file), str(file))
    named = [{"reference": one, "role": "genome", "subject": "human"} for one in references]
    table = source_table(named, [file] * 4, sources, lock)
    assert list(table.columns) == column_names("sources")
    assert table["checksum"].tolist() == ["published", "recorded now, 2026-01-02", "measured"]
    assert table["sha256"].tolist() == ["ab" * 32, "cd" * 32, hashlib.sha256(file.read_bytes()).hexdigest()]
    assert table["bytes"].tolist() == [8] * 3
    assert table["url"].tolist() == ["ftp://one/genome.fa", "ftp://two/genome.fa", ""]


def test_software_names_python_and_the_library():
    found = software()
    assert {"rnamarks", "Python", "numpy"} <= set(found)


def test_revision_is_empty_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision(tmp_path) == ""
    assert revision(tmp_path / "missing") == ""


def test_revision_says_when_files_differ(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "one")
    clean = revision(tmp_path)
    assert len(clean) == 12
    (tmp_path / "file").write_text("two")
    assert revision(tmp_path) == f"{clean}, changed"
