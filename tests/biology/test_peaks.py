"""Peak files in all their forms, and the sites inside peaks."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.peaks import (
    Peaks,
    check_lengths,
    match_chromosomes,
    overlap,
    read_lengths,
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
        ("#assembly=hg38\nchr1\t1\t9\n", {"assembly": "hg19"}, "on another assembly than the sites, which are on hg19"),
        ("track db=GRCh38\nchr1\t1\t9\n", {"assembly": "hg19"}, "found 'GRCh38'"),
    ],
)
def test_faults_are_named(write, text, options, message):
    with pytest.raises(InputError, match=message):
        read_peaks(write(text), **options)


def test_assembly_of_the_header_may_have_another_name(write):
    path = write("#genome-build GRCh37\n#assembly=GRCh37.p13\nchr1\t1\t9\n")
    assert read_peaks(path, assembly="hg19").assembly == "GRCh37.p13"


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
    lengths = read_lengths(write("chr1\t100\t6\t60\t61\n", "genome.fai"))
    with pytest.raises(InputError, match=r"1 peaks end beyond their chromosome.*ends at 101 of chr1, which has 100 nt"):
        check_lengths(found, lengths)
    check_lengths(found, {"chr1": 101})
    for text, message in (("chr1\tx\n", "no chromosome with its length"), ("\n", "names no chromosome")):
        with pytest.raises(InputError, match=message):
            read_lengths(write(text, "genome.fai"))


def test_sites_that_isoforms_share_are_one_with_the_highest_probability():
    sites = pd.DataFrame(
        {
            "chrom": ["b", "a", "a", "a", "", "a"],
            "start": [1, 5, 5, 5, -1, -1],
            "strand": ["+", "+", "+", "-", "+", "+"],
            "probability": [0.1, 0.2, 0.9, 0.3, 0.4, 0.5],
            "gene": list("uvwxyz"),
        }
    )
    found = unique_sites(sites)
    assert found["gene"].tolist() == ["w", "x", "u"]
    assert unique_sites(sites.iloc[:0]).empty


@pytest.mark.parametrize("stranded", [False, True])
def test_overlap_is_what_counting_one_by_one_gives(stranded):
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
            "start": random.integers(0, 1000, 300),
            "strand": random.choice(["+", "-"], 300),
            "probability": random.random(300),
        }
    )
    found = overlap(peaks, sites, ["probability"], stranded=stranded)
    for row, peak in peaks.iterrows():
        inside = (sites["chrom"] == peak["chrom"]) & sites["start"].between(peak["start"], peak["end"] - 1)
        if stranded and peak["strand"] != ".":
            inside &= sites["strand"] == peak["strand"]
        assert found.at[row, "sites"] == inside.sum()
        assert found.at[row, "probability"] == pytest.approx(sites.loc[inside, "probability"].sum())
        first = found.at[row, "first"]
        assert (first < 0) == (not inside.any())
        if first >= 0:
            assert sites.at[first, "start"] == sites.loc[inside, "start"].min()


def test_ends_are_half_open():
    peaks = pd.DataFrame({"chrom": ["a"], "start": [10], "end": [20], "strand": ["."]})
    sites = pd.DataFrame({"chrom": "a", "start": [9, 10, 19, 20], "strand": "+", "probability": 1.0})
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
    check_lengths(read_peaks(folder / "H3K36me3_K562.ENCFF901ACN.hg38.bed.gz"), hg38)
    with pytest.raises(InputError, match="end beyond their chromosome"):
        check_lengths(read_peaks(folder / "H3K36me3_K562.ENCFF901ACN.hg19.bed.gz"), hg38)
