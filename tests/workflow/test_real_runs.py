"""The first stages of the real runs, from a mirror of what is published and without a network."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mirror import build_mirror, published
from rnamarks.collect import collect_sources, named_sources
from rnamarks.sources.sheet import read_sources
from rnamarks.tables import read_parquet, read_tsv

ROOT = Path(__file__).resolve().parents[2]
REAL = sorted((ROOT / "config" / "real").glob("*.yaml"))
SHORT = {
    "deepm6aseq": ["datasets/zebrafish.windows.parquet", "sites/hox.transcripts.parquet"],
    "twelve_marks": ["datasets/m7G.windows.parquet", "datasets/Y.windows.parquet", "datasets/Um.windows.parquet"],
    "modifications": ["datasets/Gm.windows.parquet", "datasets/I.windows.parquet"],
    "m6a": ["sites/human.transcripts.parquet"],
    "yeast": ["sites/Y.sites.tsv.gz"],
}
"""Targets of a configuration that its files lead to in seconds."""


@pytest.fixture(scope="module")
def mirror(shared_data, tmp_path_factory) -> Path:
    names = {source.name for file in REAL for source in named_sources(file).sources}
    folder = tmp_path_factory.mktemp("mirror")
    sheet = read_sources(ROOT / "config" / "sources.tsv")
    assert build_mirror(folder, [source for source in sheet if source.name in names], shared_data) == []
    return folder


@pytest.fixture
def run(new_project, mirror, alone):
    """Runs targets of a real configuration where there is no network."""

    def run(name: str) -> Path:
        project = new_project(name, {})
        targets = [f"results/{name}/{target}" for target in SHORT[name]]
        options = ["--config", f"sources={{mirror: {mirror}}}"]
        project.run_well(*targets, configfile=f"config/real/{name}.yaml", options=options, before=alone)
        return project.folder / "results" / name

    return run


def test_nothing_can_be_reached_there(alone):
    code = "import socket\nsocket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([*alone, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in done.stderr


@pytest.mark.workflow
def test_a_mirror_that_lacks_a_file_is_refused_before_any_job(new_project, mirror, tmp_path):
    for folder in mirror.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "imrm_yeast_m6A").unlink()
    project = new_project("lacking", {})
    options = ["-n", "--config", f"sources={{mirror: {tmp_path}}}"]
    done = project.run(configfile="config/real/yeast.yaml", options=options)
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert re.search(r"the mirror lacks 1 of the \d+ published files .* \(found 'imrm_yeast_m6A/[^/]+'\); run", said)
    assert f"`rnamarks fetch CONFIG --to {tmp_path}` where there is internet" in said
    # a file that is in place needs no mirror
    source = next(one for one in named_sources(ROOT / "config/real/yeast.yaml").sources if one.name == "imrm_yeast_m6A")
    place = project.folder / "resources" / "sources" / source.name / source.file
    place.parent.mkdir(parents=True)
    place.touch()
    assert project.run(configfile="config/real/yeast.yaml", options=options).returncode == 0


@pytest.mark.workflow
def test_a_file_of_the_mirror_that_was_altered_is_refused(new_project, mirror, tmp_path):
    """One without a published checksum: the list that `rnamarks fetch` wrote beside it has what it fetched."""
    config = ROOT / "config" / "real" / "yeast.yaml"
    sources = {source.name: source for source in named_sources(config).sources}
    altered = sources["imrm_yeast_m6A"]
    assert not altered.sha256
    assert collect_sources(list(sources.values()), tmp_path, mirror=mirror) == {}
    path = tmp_path / altered.name / altered.file
    content = path.read_bytes()
    project = new_project("altered", {})
    target = f"resources/sources/{altered.name}/{altered.file}"
    options = ["--config", f"sources={{mirror: {tmp_path}}}"]
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = project.run(target, configfile=config, options=options)
    assert done.returncode == 2
    (said,) = {line for line in done.stderr.splitlines() if line.startswith("error: ")}
    assert said.startswith(f"error: {path}: this file of the mirror is not what was published: its sha256 is ")
    assert f"where the mirror's {tmp_path / 'sources.tsv'} says" in said
    assert "remove what was changed and run `rnamarks fetch CONFIG --to" in said
    assert not (project.folder / "logs").exists(), "no job was started"
    # what the run does not copy is not read
    other = sources["imrm_yeast_Y"]
    project.run_well(f"resources/sources/{other.name}/{other.file}", configfile=config, options=options)


@pytest.mark.workflow
def test_windows_and_transcripts_of_deepm6aseq(run, shared_data):
    results = run("deepm6aseq")
    windows, _ = read_parquet(results / "datasets" / "zebrafish.windows.parquet")
    drops, _ = read_tsv(results / "datasets" / "zebrafish.drops.tsv")
    files = sorted((shared_data / "m6a" / "deepm6aseq").glob("dr_*.txt.gz"))
    lines = sum(len(gzip.decompress(file.read_bytes()).splitlines()) for file in files)
    kept = drops[drops["reason"].eq("kept") & drops["source"].ne("all files")]
    assert kept["rows"].sum() == lines == 27759
    assert set(windows["given"]) == {"train", "test"}
    transcripts, _ = read_parquet(results / "sites" / "hox.transcripts.parquet")
    assert len(transcripts) == 14


@pytest.mark.workflow
def test_windows_of_modifications(run):
    results = run("modifications")
    (sites, _), (matched, _) = (read_parquet(results / "datasets" / f"{task}.windows.parquet") for task in ("Gm", "I"))
    assert sites["sequence"].str[20].eq("G").all()
    assert (sites["label"] == 0).sum() == 2 * sites["label"].sum() > 2_000
    assert sites["gene"].str.startswith("ENSG").all()
    gc = matched["sequence"].str.count("[GC]").groupby(matched["label"]).mean()
    assert gc[0] == pytest.approx(gc[1])


@pytest.mark.workflow
def test_windows_of_twelve_marks(run, shared_data):
    results = run("twelve_marks")
    tables = {task: read_parquet(results / "datasets" / f"{task}.windows.parquet")[0] for task in ("m7G", "Um", "Y")}
    assert {task: set(table["sequence"].str[20]) for task, table in tables.items()} == {
        "m7G": {"G"},
        "Um": {"U"},
        "Y": {"U"},
    }
    # the 41 nt in the middle, each once and never with both labels
    files = (shared_data / "multirm" / "psi_pulse" / f"human_{label}101_seqs.txt.gz" for label in "pn")
    modified, others = ({line[30:71] for line in gzip.decompress(file.read_bytes()).decode().split()} for file in files)
    assert set(tables["Y"]["sequence"]) == {core.replace("T", "U") for core in modified ^ others}


@pytest.mark.workflow
def test_transcripts_of_m6a_with_an_annotation_of_r(run):
    transcripts, _ = read_parquet(run("m6a") / "sites" / "human.transcripts.parquet")
    # of some the sequence is another than the annotation's, so that their place on the genome is not known
    assert transcripts["chrom"].value_counts().to_dict() == {"chr22": 884, "chr1": 604, "": 34}


@pytest.mark.workflow
def test_sites_of_yeast_where_its_windows_lie(run, shared_data):
    sites, metadata = read_tsv(run("yeast") / "sites" / "Y.sites.tsv.gz")
    assert metadata["assembly"] == "R64-1-1"
    # found letter for letter in the genome, independently
    rows = gzip.decompress((shared_data / "yeast" / "sites_R64-1-1.bed.gz").read_bytes()).decode().splitlines()
    known = {(row.split("\t")[0], int(row.split("\t")[1])) for row in rows if "\tPsi\t" in row}
    found = set(zip(sites["chrom"], sites["start"], strict=True))
    assert len(found & known) / len(known) > 0.95


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_a_real_run_names_published_files_with_licence_and_citation(file, shared_data):
    for source in named_sources(file).sources:
        assert not source.by_hand, source.name
        assert source.licence
        assert source.citation
        assert published(source, shared_data) is not None, source.name
