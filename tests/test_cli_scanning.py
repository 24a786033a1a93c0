"""The commands scan, transcripts and validate, run as a user runs them."""

from __future__ import annotations

import io
import os
import re
import subprocess

import numpy as np
import pandas as pd
import pytest

import command_line
from command_line import GTF, TRANSCRIPTS, run
from rnamarks.sites.transcript_fasta import read_header


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return command_line.build(tmp_path_factory.mktemp("model"))


@pytest.fixture
def transcripts(tmp_path):
    (tmp_path / "t.fa").write_text(TRANSCRIPTS, newline="")
    (tmp_path / "t.gtf").write_text(GTF)
    return tmp_path / "t.fa"


def test_scan_finds_every_site_and_writes_each_format(model, transcripts, tmp_path):
    options = ("scan", transcripts, "--model", model, "--task", "human", "--device", "cpu")
    done = run(*options)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(io.StringIO(done.stdout), sep="\t")
    assert table["sequence"].value_counts().to_dict() == {"t1": 4, "t2": 3}
    assert "chrom" not in table
    assert table["p"].isna().all()
    assert "scan: 7 of 7 sites, " in done.stderr
    out, bedrmod = tmp_path / "out" / "sites.parquet", tmp_path / "out" / "sites.bedrmod"
    more = ("--annotation", tmp_path / "t.gtf", "--out", out, "--bedrmod", bedrmod)
    done = run(*options, *more, "--taxid", 9606, "--assembly", "GRCh38")
    assert done.returncode == 0, done.stderr
    placed = pd.read_parquet(out)
    np.testing.assert_allclose(placed["logit"], table["logit"], atol=1e-5)
    assert placed["genome_start"].tolist()[:2] == [18, 106]
    assert placed["genome_start"].tolist()[-3:] == [212, 207, 202]
    assert placed["kmer"].tolist()[-3:] == ["GGACU"] * 3
    assert set(placed["region"]) == {"noncoding"}
    assert sorted(child.name for child in out.parent.iterdir()) == ["sites.bedrmod", "sites.parquet"]
    done = run("validate", bedrmod)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bedRModv2, 7 sites, no fault" in done.stdout
    assert "#annotation_source=t.gtf\n#annotation_version=sha256:" in bedrmod.read_text()
    again = tmp_path / "again.tsv.gz"
    assert run(*options, "--above", 0.1, "--out", again).returncode == 0
    assert len(pd.read_csv(again, sep="\t")) == (table["probability"] > 0.1).sum()


def test_scan_from_a_genome_and_from_a_table(model, tmp_path):
    rng = np.random.default_rng(1)
    (tmp_path / "g.fa").write_text(">chr1\n" + "".join(rng.choice(list("ACGT"), 400)) + "\n")
    (tmp_path / "t.gtf").write_text(GTF)
    options = ("scan", "--model", model, "--task", "human", "--device", "cpu", "--out", tmp_path / "s.tsv")
    work = tmp_path / ".rnamarks-scan" / "work-dead"
    work.mkdir(parents=True)
    (work / "lock").touch()
    done = run(*options, "--genome", tmp_path / "g.fa", "--annotation", tmp_path / "t.gtf")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / ".rnamarks-scan").exists()
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    assert (table["genome_start"] >= 10).all()
    assert table["kmer"].str[2].eq("A").all()
    from rnamarks.sites.annotation import read_annotation
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcripts import build_transcripts
    from rnamarks.tables import write_parquet

    frame = build_transcripts(
        read_annotation(tmp_path / "t.gtf", Drops()), tmp_path / "g.fa", Drops(), workdir=tmp_path
    )
    write_parquet(frame, tmp_path / "t.parquet")
    first = (tmp_path / "s.tsv").read_bytes()
    for name in ("g.fa", "t.gtf"):
        os.mkfifo(tmp_path / f"pipe.{name}")
        feed = f"cat {tmp_path / name} > {tmp_path / f'pipe.{name}'}"
        subprocess.Popen(["sh", "-c", feed])
    done = run(*options, "--genome", tmp_path / "pipe.g.fa", "--annotation", tmp_path / "pipe.t.gtf")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s.tsv").read_bytes() == first
    # warnings of the library begin as those of the commands do, and each is said once
    lines = done.stderr.splitlines()
    assert [line for line in lines if "no coding sequence" in line] == [
        "rnamarks: the annotation has no coding sequence: every position counts as noncoding"
    ]
    (tmp_path / "short.gtf").write_text(GTF[:-5])
    subprocess.Popen(["sh", "-c", f"cat {tmp_path / 'short.gtf'} > {tmp_path / 'pipe.t.gtf'}"])
    done = run(*options, "--genome", tmp_path / "g.fa", "--annotation", tmp_path / "pipe.t.gtf")
    assert "pipe.t.gtf:4: a quotation mark is never closed" in done.stderr
    assert run(*options, tmp_path / "t.parquet").returncode == 0
    assert (tmp_path / "s.tsv").read_bytes() == first


def test_scan_of_genes_by_name(model, tmp_path):
    text = "".join(np.random.default_rng(1).choice(list("ACGT"), 900))
    (tmp_path / "g.fa").write_text(f">chr1\n{text}\n")
    genes = {"ENSG1.2": ("one", 1), "ENSG2.7": ("two", 301), "g3": ("", 601)}
    rows = [
        f"chr1\tx\texon\t{start}\t{start + 249}\t.\t+\t.\t"
        f'gene_id "{gene}"; transcript_id "t{start}"; gene_name "{name}";\n'
        for gene, (name, start) in genes.items()
    ]
    rows.append('chr2\tx\texon\t1\t99\t.\t+\t.\tgene_id "four"; transcript_id "t9";\n')
    (tmp_path / "t.gtf").write_text("".join(rows))
    options = ("scan", "--model", model, "--task", "human", "--device", "cpu", "--all")
    options = (*options, "--annotation", tmp_path / "t.gtf")
    (tmp_path / "names").write_text("\nTWO\r\nENSG2\n")
    (tmp_path / "t.fa").write_text("".join(f">t{at}\n{text[at - 1 : at + 249]}\n" for at in (1, 301, 601)))
    whole = pd.read_csv(io.StringIO(run(*options, "--genome", tmp_path / "g.fa").stdout), sep="\t")
    assert set(whole["gene"]) == set(genes)
    for named, wanted in (("ENSG1,t601", {"ENSG1.2", "g3"}), (f"@{tmp_path / 'names'}", {"ENSG2.7"})):
        for source in (("--genome", tmp_path / "g.fa"), (tmp_path / "t.fa",)):
            done = run(*options, *source, "--gene", named)
            assert done.returncode == 0, done.stderr
            table = pd.read_csv(io.StringIO(done.stdout), sep="\t")
            expected = whole[whole["gene"].isin(wanted)].reset_index(drop=True)
            names = ["gene", "sequence", "start", "logit"]
            pd.testing.assert_frame_equal(table[names], expected[names])
    for source, named, said in (
        (("--genome", tmp_path / "g.fa"), "FOUR", "on no chromosome of the genome (found 't9')"),
        (("--genome", tmp_path / "g.fa"), "one,three", "no transcript or gene has that name (found 'three')"),
        (("--genome", tmp_path / "g.fa"), f"@{tmp_path / 'none'}", "none: no such file"),
        (("--genome", tmp_path / "g.fa"), ",", "no gene is named (found ',')"),
    ):
        done = run(*options, *source, "--gene", named)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


def test_transcripts_of_a_genome_as_other_commands_read_them(model, tmp_path):
    text = "".join(np.random.default_rng(1).choice(list("ACGT"), 400))
    (tmp_path / "g.fa").write_text(f">chr1\n{text}\n")
    (tmp_path / "t.gtf").write_text(GTF)
    files = ("--genome", tmp_path / "g.fa", "--annotation", tmp_path / "t.gtf")
    done = run("transcripts", *files)
    assert done.returncode == 0, done.stderr
    records = dict(re.findall(r">(\S+).*\n([ACGU]+)\n", done.stdout))
    assert records
    first = read_header(done.stdout.splitlines()[0][1:])
    assert (first.transcript in records, first.gene) == (True, re.search(r'gene_id "([^"]+)', GTF).group(1))
    for name in ("t.fa.gz", "t.parquet"):
        assert run("transcripts", *files, "--out", tmp_path / name).returncode == 0
    options = ("scan", "--model", model, "--task", "human", "--device", "cpu", "--all")
    expected = run(*options, *files).stdout
    assert expected.count("\n") > 1
    assert run(*options, tmp_path / "t.parquet").stdout == expected
    assert run(*options, tmp_path / "t.fa.gz", "--annotation", tmp_path / "t.gtf").stdout == expected
    named = run("transcripts", *files, "--gene", first.transcript).stdout
    assert re.findall(r">(\S+)", named) == [first.transcript]
    assert run(*options, tmp_path / "t.parquet", "--gene", first.gene).stdout == expected
    done = run(*options, tmp_path / "t.parquet", "--gene", "none")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no transcript or gene has that name" in done.stderr
    bad = run("transcripts", *files, "--out", tmp_path / "g.fa")
    assert bad.returncode == 2
    assert (tmp_path / "g.fa").read_text() == f">chr1\n{text}\n"


def test_scan_goes_on_where_an_annotation_has_no_utrs(model, tmp_path):
    text = "".join(np.random.default_rng(1).choice(list("ACGT"), 400))
    (tmp_path / "g.fa").write_text(f">chr1\n{text}\n")
    rows = [f'chr1\tx\t{kind}\t101\t250\t.\t+\t0\tgene_id "g"; transcript_id "t";\n' for kind in ("exon", "CDS")]
    (tmp_path / "t.gtf").write_text("".join(rows))
    options = ("scan", "--model", model, "--task", "human", "--device", "cpu", "--annotation", tmp_path / "t.gtf")
    done = run(*options, "--genome", tmp_path / "g.fa", "--extend", "30,90")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(io.StringIO(done.stdout), sep="\t")
    assert set(table["length"]) == {30 + 150 + 90}
    assert (table["start"] + 70 == table["genome_start"]).all()
    assert table["region"].eq("utr3").equals(table["genome_start"] >= 250)
    assert {"utr3", "cds"} <= set(table["region"])
    (tmp_path / "t.fa").write_text(f">t\n{text[100:250]}\n")
    done = run(*options, tmp_path / "t.fa", "--extend", "30,90")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--extend needs the genome" in done.stderr
    done = run(*options, "--genome", tmp_path / "g.fa", "--extend", "90")
    assert done.returncode == 2
    assert done.stderr.startswith("rnamarks: --extend takes two numbers of nt below 10,000 (found '90')")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either sequences or a genome"),
        (["t.fa", "--genome", "t.fa"], "give either sequences or a genome"),
        (["--genome", "t.fa"], "add --annotation"),
        (["t.fa", "--gene", "TP53"], "no annotation names genes (found 'TP53'); give one"),
        (["t.fa", "--annotation", "t.gtf", "--bedrmod", "x.bedrmod"], "add --taxid and --assembly"),
        (["t.fa", "--task", "mouse", "--bedrmod", "x"], "no calibration for a task"),
        (["t.fa", "--task", "mouse", "--above", "0.5"], "no calibration for a task"),
        (["t.fa", "--above", "5"], "between 0 and 1"),
        (["t.fa", "--fdr", "0.1"], "no null distribution"),
        (["t.fa", "--mode", "fast"], "no student for fast mode"),
        (["t.fa", "--attention", "x"], "no attention"),
        (["t.fa", "--task", "yeast"], "human, mouse"),
        (["t.fa", "--task", "human", "--task", "yeast"], "human, mouse"),
        (["t.fa", "--task", ","], "human, mouse"),
        (["t.fa", "--task", ""], "human, mouse"),
        (["none.fa"], "no such file"),
        (["t.fa", "--annotation", "other.gtf"], "of 3 transcript ids are in the annotation"),
    ],
)
def test_mistakes_of_scan(model, transcripts, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "other.gtf").write_text(GTF.replace('"t', '"x'))
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    task = [] if "--task" in arguments else ["--task", "human"]
    done = run("scan", "--model", model, "--device", "cpu", "--out", "s.tsv", *task, *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("rnamarks: ")
    assert not (tmp_path / "s.tsv").exists()
    assert set(tmp_path.iterdir()) == before


def test_validate_names_every_fault(tmp_path):
    path = tmp_path / "x.bedrmod"
    path.write_text("#fileformat=bedRModv2\n#organism=9606\n#assembly=hg38\nchr1\t5\t4\tm6A\t1\t+\n")
    done = run("validate", path)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert f"rnamarks: {path}:1: the header field modification_type is missing" in done.stderr
    assert f"rnamarks: {path}:4: a line has 11 or more fields, this one 6" in done.stderr
    assert "10 faults, 1 sites" in lines[-1]
    assert run("validate", tmp_path / "none").returncode == 2
