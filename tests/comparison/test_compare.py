"""The command: every format of one measurement gives the same answer, and faults are said with numbers."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES

M6ANET = ("transcript_id", "transcript_position", "n_reads", "probability_modified", "kmer", "mod_ratio")


def bed(rows, *, shift=0, swap=False, strand=None):
    turned = rows["strand"].map({"+": "-", "-": "+"}) if swap else rows["strand"]
    starts = rows["genome_start"] + shift
    return [
        f"{chrom}\t{start}\t{start + 1}\tx\t0\t{strand or own}"
        for chrom, start, own in zip(rows["chrom"], starts, turned, strict=True)
    ]


def bedmethyl(rows, name="a", columns=18):
    lines = []
    for row in rows.itertuples():
        modified = round(20 * row.share)
        lines.append(
            f"{row.chrom}\t{row.genome_start}\t{row.genome_end}\t{name}\t20\t{row.strand}\t{row.genome_start}\t"
            f"{row.genome_end}\t255,0,0\t20 {100 * row.share:.2f} {modified} {20 - modified} 0 0 0 0 0"
        )
    return lines if columns == 18 else ["\t".join(line.replace(" ", "\t").split("\t")[:columns]) for line in lines]


def m6anet(rows):
    # the probability goes with the share, so that 0.9 is where the others have 0.1
    probability = np.where(rows["share"] >= 0.1, 0.95, 0.3)
    return [",".join(M6ANET)] + [
        f"{row.sequence},{row.start},20,{p},{row.kmer.replace('U', 'T')},{row.share}"
        for row, p in zip(rows.itertuples(), probability, strict=True)
    ]


def glori(rows):
    lines = ["Chr\tSites\tStrand\tGene\tCR\tAGcov\tAcov\tGenecov\tRatio\tPvalue\tP_adjust"]
    return lines + [
        f"{row.chrom}\t{row.genome_start + 1}\t{row.strand}\tg\t0.99\t50\t20\t60\t{row.share}\t1e-9\t1e-8"
        for row in rows.itertuples()
    ]


def write(path, lines, end="\n"):
    data = (end.join(lines) + end).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture(scope="module")
def expected(world):
    """Areas over all motif positions, computed apart."""
    best = world.predicted.groupby(["chrom", "genome_start", "strand"]).agg({"logit": "max", "share": "first"})
    labels = best["share"] >= 0.1
    areas = roc_auc_score(labels, best["logit"]), average_precision_score(labels, best["logit"])
    return (*areas, labels.mean(), spearmanr(best["logit"], best["share"])[0])


@pytest.mark.parametrize("form", ["bedmethyl", "bedrmod", "m6anet"])
def test_formats_that_list_covered_positions_give_the_same_metrics(world, expected, compare, tmp_path, form):
    lines = {
        "bedmethyl": lambda: bedmethyl(world.positions),
        "bedrmod": lambda: ["#fileformat=bedRModv2", *bedmethyl(world.positions, "m6A", 11)],
        "m6anet": lambda: m6anet(world.predicted),
    }[form]()
    done = compare(write(tmp_path / "sites.gz", lines, "\r\n"))
    assert done.code == 0, done.said
    assert f"read as {form}" in done.said
    auroc, auprc, prevalence, correlation = expected
    row = done.metric("auprc")
    assert row["value"] == pytest.approx(auprc, abs=1e-6)
    assert row["prevalence"] == pytest.approx(prevalence)
    assert row["low"] < row["value"] < row["high"]
    assert done.metric("auroc")["value"] == pytest.approx(auroc, abs=1e-6)
    assert done.metric("spearman_covered")["value"] == pytest.approx(correlation, abs=1e-6)
    assert done.metric("in_motif")["value"] > 0.98
    assert "No other offset" in done.said
    agreement = done.table("agreement.tsv").set_index("tolerance")
    assert agreement.loc[0, "agreeing"] == pytest.approx(
        done.metric("precision_as_many")["value"] * agreement.loc[0, "calls"]
    )
    assert (agreement["p"] < 0.01).all()
    kept = done.table("evaluation/drops.tsv").query("stage == 'read' and source == 'sites' and reason == 'kept'")
    assert kept["rows"].tolist() == [len(lines) - (form != "bedmethyl")]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["bed", "glori"])
def test_lists_of_sites_are_judged_on_their_transcripts(world, compare, tmp_path, form):
    sites = world.sites
    lines = bed(sites) if form == "bed" else glori(sites)
    done = compare(write(tmp_path / "sites.csv", [*lines, lines[-1]]))
    assert done.code == 0, done.said
    assert "transcripts with at least one site, since the file does not list what was covered" in done.said
    assert done.metric("sites")["n"] == len(sites)
    assert done.metric("at_motif_positions")["n"] == len(sites)
    on = world.predicted.merge(sites[["chrom", "genome_start", "strand"]])["sequence"].unique()
    judged = world.predicted[world.predicted["sequence"].isin(on)].drop_duplicates(["chrom", "genome_start", "strand"])
    assert done.metric("covered")["n"] == len(judged)
    drops = done.table("evaluation/drops.tsv")
    assert drops.query("reason == 'duplicate position'")["rows"].sum() == 1


@pytest.mark.parametrize(
    ("change", "row", "remedy"),
    [({"shift": 1}, ("genome", -1, "given"), "--shift -1"), ({"shift": -1}, ("genome", 1, "given"), "--shift 1")],
)
def test_a_file_that_is_off_is_recognised_and_left_as_it_is(world, compare, tmp_path, change, row, remedy):
    done = compare(write(tmp_path / "sites.bed", bed(world.sites, **change)))
    assert done.code == 0, done.said
    assert remedy in done.said
    assert "Nothing was moved here" in done.said
    offsets = done.table("offsets.tsv")
    assert list(offsets.columns) == column_names("offsets")
    best = offsets[offsets["recommended"]].iloc[0]
    assert (best["along"], best["offset"], best["strand"]) == row
    assert best["in_motif_share"] > 0.98
    assert offsets.iloc[0]["in_motif_share"] < 0.1
    mended = compare(tmp_path / "sites.bed", "--shift", -change["shift"])
    assert mended.metric("in_motif")["value"] > 0.98
    assert mended.metric("auroc")["value"] > 0.8


def test_sites_on_the_other_strand_are_on_no_transcript(world, compare, tmp_path):
    done = compare(write(tmp_path / "sites.bed", bed(world.sites, swap=True)))
    assert done.code == 2
    assert "sites is on an annotated transcript, and 0% are on A; exchange + and -" in done.said


def test_sites_that_the_control_has_are_counted_and_left_out(world, compare, tmp_path):
    sites = world.sites.reset_index(drop=True)
    path, control = write(tmp_path / "sites.bed", bedmethyl(world.positions)), tmp_path / "ivt.bed"
    write(control, bedmethyl(sites.iloc[: len(sites) // 4]))
    done = compare(path, "--control", control)
    assert done.code == 0, done.said
    assert done.metric("control_shared")["n"] == len(sites) // 4
    without = done.metric("auprc", "without_control")
    assert without["n"] == len(world.positions) - len(sites) // 4
    assert without["n_positive"] == len(sites) - len(sites) // 4
    assert f"{len(sites) // 4} of {len(sites)} sites" in done.said
    page = (done.folder / "report.html").read_text()
    for name in ("metrics.tsv", "offsets.tsv", "prior.tsv.gz", "figures/stoichiometry.svg", "biology/landscape.tsv"):
        assert (done.folder / name).is_file()
        assert name in page
    for table in ("comparison_metrics", "offsets", "agreement", "prior"):
        for column in TABLES[table].columns:
            assert f"<code>{column.name}</code>" in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert not (done.folder / ".rnamarks-compare").exists()


def test_a_named_format_is_that_of_the_control_too(world, compare, tmp_path):
    """The names of rows, which say the motif in this format and mean nothing in BED, decide in both files."""
    lines = [line.replace("\tx\t", "\tx_GGACU\t") for line in bed(world.sites)]
    control = [lines[0], *(line.replace("GGACU", "GGUCU") for line in lines[1:9])]
    paths = write(tmp_path / "sites.bed", lines), write(tmp_path / "ivt.bed", control)
    done = compare(paths[0], "--format", "geo_bed", "--control", paths[1])
    assert done.code == 0, done.said
    assert done.metric("control_shared")["n"] == 1
    assert f"{paths[1]}, read as geo_bed: every row is a site" in (done.folder / "report.html").read_text()


def test_sites_off_the_motif_are_said_and_not_drawn(world, compare, tmp_path):
    places = ["chrom", "genome_start", "strand"]
    moved = world.sites[places].assign(genome_start=world.sites["genome_start"] + 1)
    off = moved[~moved.set_index(places).index.isin(world.positions.set_index(places).index)]
    done = compare(write(tmp_path / "sites.bed", bed(off)))
    assert done.code == 0, done.said
    assert ", 0 of them at a scored DRACH; the others" in done.said
    assert "Ranking cannot be measured" in done.said
    assert [path.name for path in sorted((done.folder / "figures").iterdir())] == ["offsets.svg"]


def test_the_prior_is_the_log_odds_of_every_scored_position(world, compare, tmp_path):
    done = compare(write(tmp_path / "sites.bed", bedmethyl(world.positions)))
    prior = pd.read_csv(done.folder / "prior.tsv.gz", sep="\t")
    assert len(prior) == len(world.predicted)
    np.testing.assert_allclose(1 / (1 + np.exp(-prior["log_odds"])), prior["probability"], rtol=1e-5)
    found = prior.merge(world.predicted, left_on=["transcript", "start"], right_on=["sequence", "start"])
    np.testing.assert_allclose(found["probability_x"], found["probability_y"], rtol=1e-5)
    assert (found["genome_start_x"] == found["genome_start_y"]).all()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "the file holds no site"),
        (["chr1\t5\t6\tx\t0\t."], "sites.bed:1: the strand is neither + nor - (found '.'); give stranded sites"),
        (["chr1\t5\t6\tPsi\t0\t+"], "no row is named m6A (found 'Psi'); give its name in this file by --code"),
        (["chr1\t5\t6"], "sites.bed:1: the BED has 3 columns and no strand"),
        (["a\tb\tc", "1\t2\t3"], "sites.bed:1: the format cannot be told from these columns"),
        (["chr9\t5\t6\tx\t0\t+"], "only 0% of the rows are on a chromosome of the genome (chr1, chr2, ...)"),
        (["chr2\t5\t6\tx\t0\t+"], "none of 1 sites is on an annotated transcript"),
        (["chr1\t250\t251\tm\t9\t+\t250\t251\t0\t20\t50"], "no row is about m6A (found 'm'); give its code by --code"),
        (["chr1\t250\t251\ta\t9\t+\t250\t251\t0\t20\t150"], "the percentage is above 100 (found '150')"),
        (["Chr,Sites,Strand,Ratio", "chr1,250,+,31"], "sites.bed:2: share is above 1 (found '31')"),
        (["Chr,Sites,Strand,Ratio", "chr1,0,+,0.3"], "sites.bed:2: position is no whole number of at least 1"),
        (["chrom\tstart\tstrand", "chr1\t5\t+"], "the column start does not say what the first base is called"),
        ([",".join(M6ANET), "t99.1,5,30,1,GGACT,1"], "only 0% of the rows are on a transcript"),
    ],
)  # fmt: skip
def test_faults_are_one_sentence(compare, tmp_path, lines, said):
    path = tmp_path / "sites.bed"
    path.write_text("".join(f"{line}\n" for line in lines))
    done = compare(path)
    assert done.code == 2, done.said
    assert said in done.said
    assert not (done.folder / "report.html").exists()


def test_another_assembly_is_said_with_the_numbers(world, compare, tmp_path):
    random = np.random.default_rng(2)
    rows = world.positions.sample(300, random_state=1)
    moved = rows.assign(genome_start=rows["genome_start"] + random.integers(20, 90, len(rows)))
    done = compare(write(tmp_path / "sites.bed", bed(moved)))
    assert done.code == 0, done.said
    assert "is the file of another assembly than the genome, or of another modification?" in done.said
    row = done.metric("on_base")
    assert f"{row['value']:.1%} of" in done.said
    assert row["value"] < 0.45


def test_sites_beyond_an_annotation_without_utrs_lie_on_extended_transcripts(world, compare, tmp_path):
    rows = [line.split("\t") for line in world.annotation.read_text().splitlines()]
    coding = ["\t".join([*row[:2], kind, *row[3:]]) for row in rows if row[2] == "CDS" for kind in ("exon", "CDS")]
    annotation = write(tmp_path / "coding.gtf", coding)
    sites = write(tmp_path / "sites.bed", bed(world.positions[world.positions["share"] > 0.1]))
    found = []
    for extend in ("0,0", "100,50"):
        done = compare(sites, "--extend", extend, annotation=annotation)
        assert done.code == 0, done.said
        found.append(done.metric("on_transcripts")["n"])
    begin, end = (np.array([int(row[at]) for row in rows if row[2] == "CDS"]) for at in (3, 4))
    place = world.positions.query("share > 0.1").drop_duplicates(["genome_start", "strand"])["genome_start"].to_numpy()
    inside = (place[:, None] >= begin - 1) & (place[:, None] < end)
    assert found[0] == inside.any(axis=1).sum() < found[1]


@pytest.mark.slow
def test_real_sites_of_yeast_fit_and_those_of_another_strain_do_not(shared_data, compare, tmp_path):
    yeast = shared_data / "yeast"
    if not yeast.is_dir():
        pytest.skip("the yeast genome is not among the real data")
    files = {"genome": yeast / "genome_R64-1-1.fa.gz", "annotation": yeast / "annotation_R64-1-1.96.gtf.gz"}
    with gzip.open(yeast / "sites_R64-1-1.bed.gz", "rt") as handle:
        # of four modifications; few, since every transcript with one is scanned
        lines = handle.read().splitlines()[::10]
    done = compare(write(tmp_path / "sites.bed.gz", lines), **files)
    assert done.code == 0, done.said
    assert done.metric("sites")["n"] == sum(line.split("\t")[3] == "m6A" for line in lines)
    assert done.metric("on_base")["value"] > 0.95
    assert "No other offset or strand is clearly better" in done.said
    roman = dict(enumerate(["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"], 1)) | {14: "XIV"}
    with gzip.open(yeast / "m6a_SK1_wrong_assembly.txt.gz", "rt") as handle:
        rows = [line.split("\t")[:3] for line in handle][::10]
    lines = ["Chr\tSites\tStrand", *(f"{roman[int(chrom[3:])]}\t{at}\t{strand}" for chrom, at, strand in rows)]
    done = compare(write(tmp_path / "other_strain.tsv", lines), **files)
    assert "is the file of another assembly than the genome" in done.said
    assert done.code == 0, done.said
    assert done.metric("on_base")["value"] < 0.4
