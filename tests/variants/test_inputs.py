"""Files as users have them: every record comes out, with a score or a reason."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
import scan_world
import variant_world as world
from variant_world import OTHER, TEXT, snv

from rnamarks.prediction.changes import Changes, change_one, change_sizes
from rnamarks.prediction.engine import score_each
from rnamarks.prediction.modes import load_engine
from rnamarks.sequences import decode
from rnamarks.variants.records import read_allele


@pytest.fixture
def given(tmp_path, model):
    """Options of a command, but for the file of variants."""
    options = ["--genome", world.write_genome(tmp_path, TEXT), "--annotation", world.write_annotation(tmp_path)]
    return [*options, "--model", model, "--out", tmp_path / "o.tsv", "--mode", "fast"]


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def test_every_kind_of_record_comes_out_with_a_score_or_a_reason(given, tmp_path):
    far = TEXT[1300]
    rows = [
        snv(150),
        ("chr1", 160, TEXT[160], f"{OTHER[TEXT[160]]},<DEL>,*"),
        ("chr1", 170, TEXT[170], "."),
        ("chr1", 171, TEXT[171], f"{TEXT[171]}]chr1:900]"),
        ("chr1", 172, TEXT[172], f"{TEXT[172]}."),
        ("chr1", 173, TEXT[173], TEXT[173]),
        ("chr1", 174, TEXT[174], "N"),
        ("chr1", 215, TEXT[215:225], TEXT[215]),
        ("chr1", 219, TEXT[219], TEXT[219] + "A"),
        ("chr1", 250, TEXT[250], OTHER[TEXT[250]]),
        ("chr1", 1300, far, OTHER[far]),
        ("chrUn", 5, "A", "C"),
        ("chr1", -1, "N", "<DUP>"),
        ("chr1", 99999, "A", "C"),
        *(snv(at) for at in range(430, 690)),
    ]
    done = world.run("variants", world.write_vcf(tmp_path, rows), *given, "--vcf", tmp_path / "o.vcf.gz")
    assert done.lines[0].startswith("rnamarks: percentile is left empty for m6A, m6Am, I, Y, m5C: the model has no ")
    table = read(tmp_path / "o.tsv")
    given_alleles = {(chrom, str(start), ref, one) for chrom, start, ref, alt in rows for one in alt.split(",")}
    assert set(zip(*(table[name] for name in ("chrom", "start", "ref", "alt")), strict=True)) == given_alleles
    reasons = table[table["task"] == ""].groupby(["start", "alt"])["reason"].first().to_dict()
    for start, alt, reason in (
        (160, "<DEL>", "symbolic allele"),
        (160, "*", "allele deleted by another record (*)"),
        (170, ".", "no alternative allele"),
        (171, rows[3][3], "breakend"),
        (172, rows[4][3], "breakend"),
        (173, TEXT[173], "alternative equals reference"),
        (174, "N", "allele with letters other than ACGT"),
        (215, TEXT[215], "across an exon junction or an end of the transcript"),
        (219, TEXT[219] + "A", "insertion at the edge of an exon"),
        (250, OTHER[TEXT[250]], "in no exon of the annotation"),
        (1300, OTHER[far], "in no exon of the annotation"),
        (5, "C", "chromosome not in the genome"),
        (-1, "<DUP>", "reference differs from the genome"),
        (99999, "C", "reference differs from the genome"),
    ):
        assert reasons.pop((str(start), alt)) == reason
    assert not reasons
    scored = table[table["task"] != ""]
    assert ((scored["delta_logit"] == "") == (scored["reason"] != "")).all()
    (total,) = (line for line in done.lines if "records with" in line)
    assert f"{len(rows)} records with {len(given_alleles)} alternative alleles: 262 scored, 14 without" in total
    counts = [int(line.split()[4].rstrip(",")) for line in done.lines if ": without a score: " in line]
    assert sum(counts) == 14

    with pysam.VariantFile(str(tmp_path / "o.vcf.gz")) as file:
        described = file.header.info["RNAMARKS"].description
        places = described.rpartition("Format: ")[2].split("|")
        records = list(file)
    assert len(records) == len(rows)
    for record, (_, start, _, alt) in zip(records, rows, strict=True):
        entries = [dict(zip(places, entry.split("|"), strict=True)) for entry in record.info["RNAMARKS"]]
        assert record.start == start
        assert {entry["ALLELE"] for entry in entries} == set(alt.split(","))
    (of_first,) = (record for record in records if record.start == 150)
    entries = [dict(zip(places, entry.split("|"), strict=True)) for entry in of_first.info["RNAMARKS"]]
    largest = scored[scored["start"] == "150"].assign(size=lambda frame: pd.to_numeric(frame["delta_logit"]).abs())
    for (transcript, task), size in largest.groupby(["transcript", "task"])["size"].max().dropna().items():
        (entry,) = (
            one for one in entries if (one["TRANSCRIPT"], one["TASK"], one["MOTIF"]) == (transcript, task, "kept")
        )
        assert abs(float(entry["DELTA"])) == pytest.approx(size, rel=1e-3)


@pytest.mark.parametrize("form", ["gz", "bgz", "bcf", "pipe", "bare"])
def test_forms_of_the_file_and_names_of_chromosomes(given, tmp_path, monkeypatch, form):
    header = (*world.HEADER, "##contig=<ID=1,length=1400>")
    plain = world.write_vcf(tmp_path, [snv(at, "1") for at in (150, 610)], header=header)
    world.run("variants", plain, *given)
    expected = (tmp_path / "o.tsv").read_text()
    path = tmp_path / "calls.other"
    if form == "gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif form == "bgz":
        pysam.tabix_compress(str(plain), str(path), force=True)
    elif form == "bcf":
        with pysam.VariantFile(str(plain)) as file, pysam.VariantFile(str(path), "wb", header=file.header) as other:
            for record in file:
                other.write(record)
    elif form == "pipe":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(plain.read_bytes())))
        path = Path("-")
    else:
        # neither chromosomes nor filters are stated
        world.write_vcf(tmp_path, [snv(at, "1") for at in (150, 610)], header=header[:1], name=path.name)
    world.run("variants", path, *given, "--vcf", tmp_path / "o.vcf")
    assert (tmp_path / "o.tsv").read_text() == expected
    assert expected.count("\n1\t150\t") > 10
    with pysam.VariantFile(str(tmp_path / "o.vcf")) as file:
        assert file.header.contigs["1"].length == 1400
        assert [record.start for record in file] == [150, 610]


def test_variants_of_another_assembly_are_an_error(given, tmp_path):
    wrong = [("chr1", at, OTHER[TEXT[at]], TEXT[at]) for at in (150, 151, 152)]
    right = [snv(at) for at in range(430, 700)]
    calls = world.write_vcf(tmp_path, [*wrong, *right])
    done = world.run("variants", calls, *given, "--vcf", tmp_path / "o.vcf", code=2)
    assert f"calls.vcf: the reference of 3 of 273 records differs from {tmp_path / 'genome.fa'}" in done.lines[-1]
    assert not (tmp_path / "o.tsv").exists()
    assert not (tmp_path / "o.vcf").exists()
    world.run("variants", world.write_vcf(tmp_path, [*wrong[:2], *right]), *given)
    table = read(tmp_path / "o.tsv")
    assert set(table.loc[table["start"].isin(["150", "151"]), "reason"]) == {"reference differs from the genome"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file of variants is empty"),
        ("chr1\t5\n", "the file holds no variants"),
        (
            "\n".join([*world.HEADER, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", "chr1\tx\n"]),
            "first 0 is no variant",
        ),
        (
            "\n".join([*world.HEADER, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", "7\t5\t.\tA\tC\t.\t.\t.\n"]),
            "variants and genome have no chromosome in common (found '7')",
        ),
    ],
)
def test_files_that_cannot_be_read_are_one_sentence(given, tmp_path, content, said):
    (tmp_path / "calls.vcf").write_text(content)
    done = world.run("variants", tmp_path / "calls.vcf", *given, code=2)
    assert said in done.lines[-1]
    assert not (tmp_path / "o.tsv").exists()


def test_a_packed_file_without_its_end_is_called_cut_off(given, tmp_path):
    plain = world.write_vcf(tmp_path, [snv(at) for at in range(430, 690)])
    pysam.tabix_compress(str(plain), str(tmp_path / "calls.vcf.gz"))
    whole = (tmp_path / "calls.vcf.gz").read_bytes()
    # the empty block that every such file ends with
    (tmp_path / "calls.vcf.gz").write_bytes(whole[:-28])
    done = world.run("variants", tmp_path / "calls.vcf.gz", *given, code=2)
    assert done.lines[-1].endswith("calls.vcf.gz: the file is cut off; fetch or make it again")


@pytest.mark.parametrize("missing", ["calls.vcf", "genome.fa", "genes.gtf"])
def test_a_file_that_is_not_there_is_named(given, tmp_path, missing):
    calls = world.write_vcf(tmp_path, [snv(150)])
    (tmp_path / missing).unlink()
    done = world.run("variants", calls, *given, code=2)
    assert done.lines == [f"rnamarks: {tmp_path / missing}: no such file; check the path"]


def test_a_header_alone_gives_a_header_alone(given, tmp_path):
    done = world.run("variants", world.write_vcf(tmp_path, []), *given, "--vcf", tmp_path / "o.vcf")
    assert len((tmp_path / "o.tsv").read_text().splitlines()) == 1
    assert done.lines[-1] == "rnamarks: 0 records with 0 alternative alleles: 0 scored, 0 without a score; 0 rows"
    with pysam.VariantFile(str(tmp_path / "o.vcf")) as file:
        assert "RNAMARKS" in file.header.info
        assert not list(file)


def test_haplotypes_need_genotypes_and_sorted_records(given, tmp_path):
    done = world.run("variants", world.write_vcf(tmp_path, [snv(150)]), *given, "--haplotypes", code=2)
    assert "no genotypes" in done.lines[-1]
    rows = [(*snv(150), "1|0"), ("chrUn", 5, "A", "C", "1|0"), (*snv(160), "1|0")]
    calls = world.write_vcf(tmp_path, rows, samples=["s"])
    done = world.run("variants", calls, *given, "--haplotypes", code=2)
    assert "the records of a chromosome do not follow each other" in done.lines[-1]
    assert not (tmp_path / "o.tsv").exists()


def test_nothing_is_written_beside_the_genome_and_no_coding_sequence_is_needed(given, tmp_path):
    folder = tmp_path / "read_only"
    folder.mkdir()
    shutil.move(tmp_path / "genome.fa", folder / "genome.fa")
    world.write_annotation(folder, coding=False)
    options = ["--genome", folder / "genome.fa", "--annotation", folder / "genes.gtf", *given[4:]]
    os.chmod(folder, 0o500)
    try:
        done = world.run("variants", world.write_vcf(tmp_path, [snv(150), snv(610)]), *options)
    finally:
        os.chmod(folder, 0o700)
    assert sorted(path.name for path in folder.iterdir()) == ["genes.gtf", "genome.fa"]
    assert any("the annotation has no coding sequence" in line for line in done.lines)
    table = read(tmp_path / "o.tsv")
    assert set(table["region"]) == {"noncoding"}
    assert set(table["transcript"]) == {"plus", "short", "minus"}


def test_an_annotation_without_utrs_can_be_extended(given, tmp_path):
    told = 'gene_id "g"; transcript_id "t";'
    rows = [f"chr1\tx\t{kind}\t{101}\t{400}\t.\t+\t0\t{told}\n" for kind in ("exon", "CDS")]
    (tmp_path / "genes.gtf").write_text("".join(rows))
    calls = world.write_vcf(tmp_path, [snv(90), snv(430), snv(480)])
    done = world.run("variants", calls, *given)
    assert "rnamarks: without a score: 3, in no exon of the annotation" in done.lines
    done = world.run("variants", calls, *given, "--extend", "20,50")
    assert "rnamarks: 1 transcripts: 3' end without UTR extended by 50 nt" in done.lines
    table = read(tmp_path / "o.tsv")
    outside = "in no exon of the annotation"
    assert table.groupby("start")["reason"].first().to_dict() == {"90": "", "430": "", "480": outside}
    own = table[(table["start"] == "430") & (table["distance"] == "0")]
    assert set(own["transcript_start"]) == {"350"}
    assert set(own["region"]) == {"utr3"}


def test_the_null_of_a_model_holds_random_changes_and_gives_percentiles(given, model, tmp_path):
    rng = np.random.default_rng(2)
    records = [f">t{number}\n{decode(rng.integers(0, 4, 700).astype(np.uint8))}" for number in range(12)]
    (tmp_path / "background.fa").write_text("\n".join(records) + "\n")
    world.run("null", tmp_path / "background.fa", "--model", model, "--out", tmp_path / "mine", "--bases", 300)
    given[given.index(model)] = tmp_path / "mine"
    done = world.run("variants", world.write_vcf(tmp_path, [snv(150), snv(610)]), *given)
    assert not any("percentile" in line for line in done.lines)
    table = read(tmp_path / "o.tsv")
    table = table[table["delta_logit"] != ""]
    sizes = pd.to_numeric(table["delta_logit"]).abs()
    percentile = pd.to_numeric(table["percentile"])
    assert percentile.between(0, 100).all()
    for task in set(table["task"]):
        own = table["task"] == task
        assert percentile[own].corr(sizes[own], method="spearman") > 0.99


def test_random_changes_are_what_single_changes_of_windows_do(model):
    """Against all changes of the same windows, one at a time."""
    engine = load_engine(model, "fast", device="cpu").engine
    task = next(task for task in scan_world.TASKS if task.name == "I")
    windows = np.random.default_rng(0).integers(0, 4, (400, scan_world.WINDOW)).astype(np.uint8)
    windows[:, scan_world.WINDOW // 2] = 0
    changed = change_one(windows, engine.width, 1)
    row, place = np.nonzero(changed != windows)
    np.testing.assert_array_equal(row, np.arange(400))
    inside = np.arange(scan_world.WINDOW // 2 - engine.width // 2, scan_world.WINDOW // 2 + engine.width // 2 + 1)
    assert set(place) == set(inside)
    sizes = change_sizes(engine, {"I": windows}, score_each(engine, {"I": windows}), [task])["I"]
    assert 0.9 * 400 < len(sizes) < 400, "those that hit the base itself are left out"
    everything = [windows]
    for at in inside[inside != scan_world.WINDOW // 2]:
        for step in (1, 2, 3):
            other = windows.copy()
            other[:, at] = (other[:, at] + step) % 4
            everything.append(other)
    logits = score_each(engine, {"I": np.concatenate(everything)})["I"].reshape(len(everything), -1)
    exhaustive = np.abs(logits[1:] - logits[0]).ravel()
    for share in (0.25, 0.5, 0.9):
        assert Changes(sizes).percentile(np.quantile(exhaustive, share)[None])[0] == pytest.approx(100 * share, abs=8)
    assert np.isnan(Changes(sizes).percentile(np.array([np.nan]))).all()


def test_a_change_that_moves_nothing_is_larger_than_no_random_change():
    sizes = np.array([0, 0.5, 0, 0])
    np.testing.assert_allclose(Changes(sizes).percentile(np.array([0, -0.1, 0.5, 0.6])), [0, 75, 75, 100])


@pytest.mark.parametrize(
    ("ref", "alt", "change"),
    [
        ("CAC", "C", (1, "AC", "")),
        ("A", "AAA", (1, "", "AA")),
        ("ATT", "AT", (1, "T", "")),
        ("CAGT", "CTCT", (1, "AG", "TC")),
        ("AC", "GTT", (0, "AC", "GTT")),
        ("ga", "gt", (1, "A", "T")),
    ],
)
def test_alleles_are_reduced_to_what_differs(ref, alt, change):
    assert read_allele("1", 0, ref, alt)[5:] == change


@pytest.mark.slow
def test_variants_of_a_real_chromosome(shared_data, model, tmp_path):
    """Chromosome 4 of the fly, its genome packed: as a scan of all transcripts of the changed genome."""
    folder = shared_data / "transcripts" / "fly_chr4"
    genome, genes = folder / "dmelanogaster_chr4_genome.fa.gz", folder / "dmelanogaster_chr4.gtf.gz"
    with gzip.open(genome, "rt") as handle:
        text = handle.read().partition("\n")[2].replace("\n", "").upper()
    places = [at for at in range(500, len(text), 1009) if text[at] in OTHER]
    rows = [("4", at, text[at], OTHER[text[at]]) for at in places]
    options = ["--annotation", genes, "--model", model, "--mode", "fast", "--task", "m6A,m6Am"]
    done = world.run(
        "variants", world.write_vcf(tmp_path, rows), *options, "--genome", genome, "--out", tmp_path / "o.tsv"
    )
    assert any(line.startswith(f"rnamarks: {len(rows):,} records with {len(rows):,} alt") for line in done.lines)
    table = pd.read_csv(tmp_path / "o.tsv", sep="\t", dtype={"chrom": str}, low_memory=False)
    assert set(table["start"]) == set(places)
    changed = list(text)
    for at in places:
        changed[at] = OTHER[text[at]]
    sites = {}
    for name, letters in (("before", text), ("after", "".join(changed))):
        path = world.write_genome(tmp_path, letters, "chr4")
        out = tmp_path / f"{name}.tsv"
        world.run("scan", "--genome", path, *options, "--all", "--out", out)
        sites[name] = pd.read_csv(out, sep="\t").set_index(["sequence", "task", "start"])["logit"]
    scored = table[table["task"].notna()]
    columns = ["transcript", "task", "transcript_start"]
    touched = pd.MultiIndex.from_frame(scored[columns])
    # two SNVs in neighbouring exons may share a window
    scored = scored[~scored.duplicated(columns, keep=False)]
    keys = pd.MultiIndex.from_frame(scored[columns])
    assert len(keys) > len(touched) / 2 > 500
    for column, name in (("logit_ref", "before"), ("logit_alt", "after")):
        np.testing.assert_allclose(scored[column], sites[name].reindex(keys), atol=1e-5)
    moved = (sites["after"] - sites["before"].reindex(sites["after"].index)).abs()
    assert set(moved.index[moved > 1e-5]) <= set(touched)
