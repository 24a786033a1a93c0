"""The rule fetch_source under a real Snakemake."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from rnamarks.sources.lock import read_lock
from rnamarks.sources.members import member_path
from rnamarks.sources.sheet import COLUMNS

pytestmark = pytest.mark.workflow

TARGET = "resources/sources/demo/sites.txt"
SNAKEFILE = """
from rnamarks.sources.members import reference_of
from rnamarks.sources.sheet import read_sources

SOURCES = {{source.name: source for source in read_sources(config["sources"]["sheet"])}}
memory = minutes = lambda *sizes: 100


include: "{rules}"
"""


@pytest.fixture
def snakemake(tmp_path: Path, repository: Path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(rules=repository / "workflow" / "rules" / "sources.smk"))

    def run(
        url: str, *arguments: str, mirror: str = "", target: str = TARGET, file: str = "sites.txt"
    ) -> subprocess.CompletedProcess:
        row = ("demo", "1", "sites", "human", url, "", "", "", "hg19", "free", "none", file, "yes", "")
        (tmp_path / "sources.tsv").write_text("\t".join(COLUMNS) + "\n" + "\t".join(row) + "\n")
        (tmp_path / "config.yaml").write_text(
            f"sources: {{sheet: sources.tsv, lock: sources.lock.tsv, mirror: '{mirror}'}}\n"
        )
        return subprocess.run(
            [sys.executable, "-m", "snakemake", target, "--cores", "1", "--configfile", "config.yaml", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(repository / "workflow")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_rule_fetches_once_and_a_new_mirror_changes_nothing(server, step, snakemake, tmp_path):
    url = server.plan("/a", step(b"chr1\t1\t2\n"))
    done = snakemake(url)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / TARGET).read_bytes() == b"chr1\t1\t2\n"
    assert "no checksum is published" in done.stderr
    assert read_lock(tmp_path / "sources.lock.tsv")["demo"].url == url
    assert "recorded now" in (tmp_path / "logs/sources/fetch_source/demo.sites.txt.log").read_text()
    again = snakemake(url, "-n", mirror=str(tmp_path / "mirror"))
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_failure_is_one_sentence_and_the_part_stays(server, step, snakemake, tmp_path):
    cut = step(b"0123456789" * 100_000, etag='"1"', cut=400_000)
    url = server.plan("/a", cut, step(b"gone", 404))
    done = snakemake(url)
    assert done.returncode == 1
    assert f"error: could not fetch demo: {url} (status 404" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / TARGET).exists()
    assert (tmp_path / f"{TARGET}.part").stat().st_size == 400_000


def test_a_member_of_an_archive_is_fetched_with_it(server, step, snakemake, tmp_path):
    packed = gzip.compress(b"chr1\t1\t2\n")
    with tarfile.open(tmp_path / "made.tar", "w") as archive:
        for name in ("GSM1_hg19.bed.gz", "GSM1_hg38.bed.gz"):
            entry = tarfile.TarInfo(name)
            entry.size = len(packed)
            archive.addfile(entry, io.BytesIO(packed))
    url = server.plan("/a", step((tmp_path / "made.tar").read_bytes()))
    archive = tmp_path / "resources/sources/demo/demo_RAW.tar"
    target = member_path("resources/sources/demo/demo_RAW.tar#*_hg19.bed.gz")
    done = snakemake(url, target=target, file="demo_RAW.tar")
    assert done.returncode == 0, done.stderr
    assert archive.is_file()
    assert (tmp_path / target).read_bytes() == packed
    wrong = member_path("resources/sources/demo/demo_RAW.tar#*_hg18.bed.gz")
    done = snakemake(url, target=wrong, file="demo_RAW.tar")
    assert done.returncode == 1
    assert (
        "the archive has no such member (found '*_hg18.bed.gz'); name one of GSM1_hg19.bed.gz, GSM1_hg38" in done.stderr
    )
    assert archive.is_file()


def test_a_file_put_there_by_hand_is_used(server, snakemake, tmp_path):
    (tmp_path / TARGET).parent.mkdir(parents=True)
    (tmp_path / TARGET).write_text("mine\n")
    done = snakemake(server.root + "/none", "-n")
    assert "Nothing to be done" in done.stdout + done.stderr
