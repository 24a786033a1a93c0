"""Peak files in all their forms, and the sites inside peaks."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.peaks import (
    MOVES,
    Peaks,
    check_genome,
    match_chromosomes,
    meet_sites,
    overlap,
    read_peaks,
    unique_sites,
)
from rnamarks.errors import InputError


@pytest.fixture
def write(tmp_path):
    def to(text, name="peaks.bed"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return to


NARROW = "chr2\t5\t9\tp\t100\t.\t2.5\t-1\t-1\t2\nchr1\t50\t90\tq\t7\t+\t8\t-1\t-1\t0\n"


def test_narrow_peaks_have_signal_and_are_sorted(write):
    found = read_peaks(write(NARROW, "a.narrowPeak.gz"))
    assert found.frame["chrom"].tolist() == ["chr1", "chr2"]
    assert found.frame["signal"].tolist() == [8.0, 2.5]
    assert found.frame["strand"].tolist() == ["+", "."]
    assert found.counts == {"rows": 2, "rows that repeat a peak": 0, "without strand": 1, "kept": 2}


def test_broad_peaks_have_signal_and_bed_with_thick_ends_has_none(write):
    broad = "chr1\t100\t900\t.\t500\t.\t6.1\t4\t-1\n"
    assert read_peaks(write(broad)).frame["signal"].tolist() == [6.1]
    bed = "chr1\t100\t900\tx\t500\t-\t100\t900\t0\n"
    assert read_peaks(write(bed)).frame["signal"].isna().all()
    assert read_peaks(write(bed), "broadPeak").frame["signal"].tolist() == [100.0]
    assert read_peaks(write(broad), "bed").frame["signal"].isna().all()


@pytest.mark.parametrize(
    "text",
    [
        "chr1\t5\t9\nchr1\t1\t4\n",
        "track name=x\nbrowser position\n#c\nchr1 5 9\r\nchr1 1 4\r\n",
        "chr1\t5.0\t9\nchr1\t1\t4\n",
    ],
    ids=["three columns", "header, blanks, CRLF", "numbers with a point"],
)
def test_plain_intervals_need_no_more_than_three_columns(write, text):
    frame = read_peaks(write(text)).frame
    assert frame[["start", "end"]].to_numpy().tolist() == [[1, 4], [5, 9]]
    assert frame["strand"].tolist() == [".", "."]
    assert frame["score"].isna().all()


def test_repeated_rows_are_one_peak_and_counted(write):
    found = read_peaks(write("chr1\t1\t9\ta\t5\nchr1\t1\t9\tb\t5\nchr1\t1\t9\tc\t6\n"))
    assert found.counts["rows that repeat a peak"] == 1
    assert len(found.frame) == 2


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "the file holds no peak"),
        ("chrom\tstart\tend\nchr1\t1\t2\n", {}, r"peaks\.bed:1: the start is no whole number .found 'start'"),
        ("chr1\t1\t2\nchr1\t5\n", {}, r"peaks\.bed:2: the row has 2 fields and needs 3"),
        ("chr1\t9\t9\n", {}, "the interval is empty or begins before 0"),
        ("chr1\t-1\t9\n", {}, "the interval is empty or begins before 0"),
        ("chr1\t1\t9\n", {"peak_format": "narrowPeak"}, "has 3 fields and needs 10"),
        ("chr1\t1\t9\n", {"peak_format": "gff"}, "choose one of auto, bed"),
        ("#assembly=hg38\nchr1\t1\t9\n", {"assembly": "hg19"}, "another assembly than hg19 .found 'hg38'"),
        ("track db=GRCh38\nchr1\t1\t9\n", {"assembly": "hg19"}, "found 'hg38'"),
    ],
)
def test_faults_are_named(write, text, options, message):
    with pytest.raises(InputError, match=message):
        read_peaks(write(text), **options)


def test_the_file_may_name_its_assembly_otherwise_or_in_its_own_name(write):
    text = "#genome-build GRCh37\n#assembly=GRCh37.p13\nchr1\t1\t9\n"
    assert len(read_peaks(write(text), assembly="hg19").frame) == 1
    with pytest.raises(InputError, match=r"k562\.hg18\.bed: .*another assembly than hg19"):
        read_peaks(write("chr1\t1\t9\n", "k562.hg18.bed"), assembly="hg19")


def test_chromosomes_take_the_names_of_the_sites(write):
    found = read_peaks(write("1\t1\t9\nMT\t1\t9\nGL000192.1\t1\t9\n"))
    matched = match_chromosomes(found, ["chr1", "chrM"])
    assert matched.frame["chrom"].tolist() == ["chr1", "chrM"]
    assert matched.counts["on chromosomes without sites"] == 1
    back = match_chromosomes(read_peaks(write("chr1\t1\t9\nchrM\t1\t9\n")), ["1", "MT"])
    assert back.frame["chrom"].tolist() == ["1", "MT"]
    with pytest.raises(InputError, match=r"no peak lies on a chromosome with sites.*the sites lie on chr7"):
        match_chromosomes(found, ["chr7"])


def test_peaks_beyond_a_chromosome_are_of_another_assembly(write):
    found = read_peaks(write("chr1\t1\t9\nchr1\t95\t101\nchr2\t1\t999\n"))
    with pytest.raises(InputError, match=r"1 peaks end beyond their chromosome.*ends at 101 of chr1, which has 100 nt"):
        check_genome(found, {"chr1": 100}, minimum=0)
    assert check_genome(found, {"1": 101}) == 1


def test_peaks_on_chromosomes_that_the_genome_lacks_are_counted_and_refused_when_many(write):
    found = read_peaks(write("".join(f"chr{at}\t1\t9\n" for at in (1, 2, 3))))
    assert check_genome(found, {"1": 9, "2": 9}) == 1
    with pytest.raises(InputError, match=r"only 1 of 3 peaks lie on .* genome .33\.3%.*found 'chr1, chr3'"):
        check_genome(found, {"2": 9})
    assert check_genome(found, {"2": 9}, minimum=0) == check_genome(found, {"2": 9}, minimum=0.3) == 2


def test_peaks_off_the_transcripts_are_told_from_peaks_on_them():
    random = np.random.default_rng(3)
    genes = np.sort(random.integers(0, 20_000_000, 300))
    sites = pd.DataFrame(
        {"chrom": "chr1", "genome_start": (genes[:, None] + random.integers(0, 10_000, (300, 60))).ravel()}
    )
    start = np.repeat(genes, 4) + random.integers(0, 9_000, 1200)
    peaks = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 400})
    right, wrong = (meet_sites(peaks.assign(start=start + by, end=start + by + 400), sites) for by in (0, 250_000))
    assert not right["doubtful"]
    assert right["odds_ratio"] > 20
    assert wrong["doubtful"]
    assert wrong["odds_ratio"] < 1.5
    assert wrong["fraction"] == pytest.approx(right["expected"], abs=0.05)
    few = meet_sites(peaks.assign(start=start + 250_000, end=start + 250_400)[:12], sites)
    assert not few["doubtful"], "twelve peaks say nothing"


def test_moved_peaks_are_counted_as_one_by_one():
    random = np.random.default_rng(4)
    sites = pd.DataFrame({"chrom": np.repeat(["a", "b"], 50), "genome_start": random.integers(0, 3000, 100)})
    start = random.integers(0, 2500, 40)
    peaks = pd.DataFrame({"chrom": np.tile(["a", "b"], 20), "start": start, "end": start + 30})
    held, moved = 0, 0
    for chrom, part in peaks.groupby("chrom"):
        own = set(sites.loc[sites["chrom"] == chrom, "genome_start"])
        extent = max(*own, part["end"].max()) + 1
        for by in (0, *(int(move * extent / 960_000) for move in MOVES)):
            firsts = [(one + by) % extent for one in part["start"]]
            hits = sum(any(first <= site < first + 30 for site in own) for first in firsts)
            held, moved = (held, moved + hits) if by else (held + hits, moved)
    found = meet_sites(peaks, sites)
    assert (found["fraction"], found["expected"]) == pytest.approx((held / 40, moved / len(MOVES) / 40))


def test_sites_that_isoforms_share_are_one_with_the_highest_probability():
    sites = pd.DataFrame(
        {
            "chrom": ["b", "a", "a", "a", "", "a"],
            "genome_start": [1, 5, 5, 5, -1, -1],
            "strand": ["+", "+", "+", "-", "+", "+"],
            "probability": [0.1, 0.2, 0.9, 0.3, 0.4, 0.5],
            "gene": list("uvwxyz"),
        }
    )
    found = unique_sites(sites)
    assert found["gene"].tolist() == ["w", "x", "u"]
    assert unique_sites(sites.iloc[:0]).empty


def test_overlap_is_what_counting_one_by_one_gives():
    random = np.random.default_rng(3)
    start = random.integers(0, 900, 80)
    peaks = pd.DataFrame(
        {
            "chrom": random.choice(["a", "b", "c"], 80),
            "start": start,
            "end": start + random.integers(1, 200, 80),
            "strand": random.choice(["+", "-", "."], 80),
        }
    )
    sites = pd.DataFrame(
        {
            "chrom": random.choice(["a", "b"], 300),
            "genome_start": random.integers(0, 1000, 300),
            "strand": random.choice(["+", "-"], 300),
            "probability": random.random(300),
        }
    )
    found = overlap(peaks, sites, ["probability"])
    for row, peak in peaks.iterrows():
        inside = (sites["chrom"] == peak["chrom"]) & sites["genome_start"].between(peak["start"], peak["end"] - 1)
        assert found.at[row, "sites"] == inside.sum()
        assert found.at[row, "probability"] == pytest.approx(sites.loc[inside, "probability"].sum())
        first = found.at[row, "first"]
        assert (first < 0) == (not inside.any())
        if first >= 0:
            assert sites.at[first, "genome_start"] == sites.loc[inside, "genome_start"].min()


def test_ends_are_half_open():
    peaks = pd.DataFrame({"chrom": ["a"], "start": [10], "end": [20], "strand": ["."]})
    sites = pd.DataFrame({"chrom": "a", "genome_start": [9, 10, 19, 20], "strand": "+", "probability": 1.0})
    assert overlap(peaks, sites, ["probability"])["sites"].tolist() == [2]


@pytest.mark.parametrize(("assembly", "n"), [("hg19", 74142), ("hg38", 74176)])
def test_real_peaks_are_read(shared_data, assembly, n):
    found = read_peaks(shared_data / "downstream/h3k36me3" / f"H3K36me3_K562.ENCFF901ACN.{assembly}.bed.gz")
    assert isinstance(found, Peaks)
    assert (len(found.frame), found.counts["without strand"]) == (n, n)
    assert np.median(found.frame["end"] - found.frame["start"]) == 220
    assert found.frame["score"].notna().all()
    assert found.frame["signal"].isna().all()


def test_real_peaks_on_the_wrong_assembly_are_found_out(shared_data):
    """Lengths of GRCh38, in which some chromosomes end earlier than in hg19."""
    folder = shared_data / "downstream/h3k36me3"
    hg38 = {"chr1": 248956422, "chr8": 145138636, "chr14": 107043718, "chr16": 90338345, "chr19": 58617616}
    here = {at: read_peaks(folder / f"H3K36me3_K562.ENCFF901ACN.{at}.bed.gz") for at in ("hg19", "hg38")}
    check_genome(here["hg38"], hg38, minimum=0)
    with pytest.raises(InputError, match="end beyond their chromosome"):
        check_genome(here["hg19"], hg38, minimum=0)
    sites = pd.read_csv(
        shared_data / "annotation/single_nucleotide/iM6A_SingleNucleotideReselutionData_hg19.bed.gz",
        sep="\t",
        header=None,
        usecols=[0, 1],
        names=["chrom", "genome_start"],
    )
    meeting = {}
    for at, found in here.items():
        meeting[at] = meet_sites(match_chromosomes(found, list(sites["chrom"].unique())).frame, sites)
    assert meeting["hg19"]["odds_ratio"] > 4
    assert not meeting["hg19"]["doubtful"]
    assert meeting["hg38"]["odds_ratio"] < 1.5
    assert meeting["hg38"]["doubtful"]


@pytest.mark.parametrize("column", [4, 6])
def test_scores_and_signals_with_separators_are_an_error(tmp_path, column):
    rows = [["chr1", "1", "9", "p", "5", ".", "2.5", "-1", "-1"] for _ in range(3)]
    rows[1][column] = "1,234.5"
    (tmp_path / "peaks.bed").write_text("".join("\t".join(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"peaks\.bed:2: a value of the s[a-z]+ has separators"):
        read_peaks(tmp_path / "peaks.bed")
