"""Tracks of a scan lie where the genome has the bases, and browsers find what they need beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest

from rnamarks.cli import main
from rnamarks.errors import InputError
from rnamarks.figures.palette import painted
from rnamarks.prediction.track_folder import check_tracks_folder

sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world

COMPLEMENT = str.maketrans("ACGT", "TGCA")
# two isoforms of one gene, a gene on the other strand, one on another chromosome
TRANSCRIPTS = {
    "T1": ("chr1", "+", [(100, 300), (400, 560)]),
    "T2": ("chr1", "+", [(150, 300), (400, 500)]),
    "T3": ("chr1", "-", [(600, 700), (750, 880)]),
    "T4": ("chr10", "-", [(20, 200)]),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model, a genome and its annotation."""
    folder = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(3)
    genome = {name: "".join(rng.choice(list("ACGT"), n)) for name, n in (("chr1", 1000), ("chr10", 400), ("chr2", 90))}
    (folder / "g.fa").write_text("".join(f">{name}\n{letters}\n" for name, letters in genome.items()))
    rows = [
        f'{chrom}\tx\texon\t{start + 1}\t{end}\t.\t{strand}\t.\tgene_id "G{name}"; transcript_id "{name}";\n'
        for name, (chrom, strand, parts) in TRANSCRIPTS.items()
        for start, end in parts
    ]
    (folder / "a.gtf").write_text("".join(rows))
    return world.build(folder / "model"), folder, genome


def scan(monkeypatch, *arguments):
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["rnamarks", "scan", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def stanzas(path):
    """The stanzas of a file of a hub, in order."""
    return [dict(line.split(" ", 1) for line in block.splitlines()) for block in path.read_text().strip().split("\n\n")]


def test_tracks_hold_the_rows_of_the_table(files, tmp_path, monkeypatch):
    model, folder, genome = files
    given = ["--model", model, "--genome", folder / "g.fa", "--annotation", folder / "a.gtf", "--device", "cpu"]
    made = tmp_path / "tracks"
    options = ["--all", "--assembly", "mine1", "--tracks", made, "--out", tmp_path / "t.tsv"]
    # twice: a folder of tracks is replaced
    for _ in range(2):
        assert scan(monkeypatch, *given, *options) == 0
    table = pd.read_csv(tmp_path / "t.tsv", sep="\t", keep_default_na=False)
    best = table.sort_values("probability", ascending=False, kind="stable").drop_duplicates(
        ["chrom", "genome_start", "strand", "task"]
    )
    paints = painted(world.TASKS)
    tracks = {stanza["track"]: stanza for stanza in stanzas(made / "trackDb.txt")}
    assert len(tracks) == 3 * len(world.TASKS)
    for task in world.NAMES:
        mine = best[best["task"] == task].sort_values(["chrom", "genome_start"])
        assert len(mine) > 10
        colour = ",".join(str(int(paints[task].colour[at : at + 2], 16)) for at in (1, 3, 5))
        for strand, side in (("+", "plus"), ("-", "minus")):
            stanza = tracks[f"rnamarks_{task}_{side}"]
            assert stanza["parent"] == f"rnamarks_{task}"
            assert stanza["color"] == colour
            assert ("negateValues" in stanza) == (strand == "-")
            with pyBigWig.open(str(made / stanza["bigDataUrl"])) as track:
                # the genome's lengths, of chromosomes with transcripts
                assert track.chroms() == {"chr1": 1000, "chr10": 400}
                found = [
                    (chrom, start, end, pytest.approx(value, abs=1e-6))
                    for chrom in track.chroms()
                    for start, end, value in track.intervals(chrom) or ()
                ]
            rows = mine[mine["strand"] == strand]
            expected = rows[["chrom", "genome_start", "genome_end", "probability"]]
            assert list(expected.itertuples(index=False, name=None)) == found
        with pysam.TabixFile(str(made / f"{task}.bed.gz")) as bed:
            assert any("PREDICTIONS" in line for line in bed.header)
            lines = [line.split("\t") for chrom in bed.contigs for line in bed.fetch(chrom)]
            some = mine[mine["chrom"] == "chr1"].iloc[3]
            place = ("chr1", int(some["genome_start"]), int(some["genome_end"]))
            assert {line.split("\t")[5] for line in bed.fetch(*place)} == {some["strand"]}
        assert len(lines) == len(mine)
        base = world.PLACES[task][0].replace("U", "T")
        for chrom, start, end, name, _, strand, thick, _, shown in lines:
            letter = genome[chrom][int(start) : int(end)]
            assert (letter if strand == "+" else letter.translate(COMPLEMENT)) == base
            assert (name, thick, shown) == (task, start, colour)
        assert (made / tracks[f"rnamarks_{task}"]["html"]).read_text().startswith(f"<h2>{task} in human</h2>")


def test_a_hub_and_a_session_name_files_that_are_there(files, tmp_path, monkeypatch):
    model, folder, _ = files
    given = ["--model", model, "--genome", folder / "g.fa", "--annotation", folder / "a.gtf", "--device", "cpu"]
    for assembly, called, shown in (
        ("GRCh38.p14", "hg38", "hg38"),
        ("hg38", "hg38", "hg38"),
        ("mine1", "mine1", str((folder / "g.fa").resolve())),
    ):
        made = tmp_path / assembly
        options = ["--task", "m6A,Y", "--alpha", "0.0001", "--assembly", assembly, "--tracks", made]
        assert scan(monkeypatch, *given, *options) == 0
        (hub,) = stanzas(made / "hub.txt")
        assert {"hub", "shortLabel", "longLabel", "genomesFile", "email"} == set(hub)
        (genomes,) = stanzas(made / hub["genomesFile"])
        assert genomes["genome"] == called
        for stanza in stanzas(made / genomes["trackDb"]):
            assert len(stanza["shortLabel"]) <= 17
            assert len(stanza["longLabel"]) <= 76
            for key in ("bigDataUrl", "html"):
                assert key not in stanza or (made / stanza[key]).is_file()
        session = ElementTree.parse(made / "igv.xml").getroot()
        assert session.get("genome") == shown
        resources = [resource.attrib for resource in session.iter("Resource")]
        assert len(resources) == 6
        assert all((made / path).is_file() for resource in resources for path in resource.values())
        assert {track.get("id") for track in session.iter("Track")} == {one["path"] for one in resources}


def test_what_cannot_be_drawn_is_refused_before_the_scan(files, tmp_path, monkeypatch, capsys):
    model, folder, _ = files
    given = ["--model", model, "--device", "cpu"]
    genome = ["--genome", folder / "g.fa", "--annotation", folder / "a.gtf"]
    (tmp_path / "s.fa").write_text(">a\nACGUACGUAC\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    for arguments, said in (
        ([*genome, "--tracks", tmp_path / "t"], "add --assembly"),
        ([*genome, "--assembly", "my yak", "--tracks", tmp_path / "t"], "in one word (found 'my yak')"),
        ([tmp_path / "s.fa", "--assembly", "hg38", "--tracks", tmp_path / "t"], "no sequence has genome coordinates"),
        ([*genome, "--assembly", "hg38", "--tracks", other], "the folder holds other files"),
        ([*genome, "--assembly", "hg38", "--tracks", tmp_path / "s.fa"], "not a folder"),
    ):
        assert scan(monkeypatch, *given, *arguments) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "t").exists()
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    with pytest.raises(InputError):
        check_tracks_folder(other)
