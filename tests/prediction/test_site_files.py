"""Isoforms merged on the genome; TSV, BED and bigWig hold what the table holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pysam
import pytest

from rnamarks.errors import InputError
from rnamarks.prediction import merging
from rnamarks.prediction.merging import MERGED_COLUMNS, export_comments, merge_isoforms, select_sites
from rnamarks.prediction.site_files import SITE_SCHEMA, read_site_metadata, stream_sites
from rnamarks.prediction.tracks import chromosome_sizes, write_bed, write_bigwig
from rnamarks.tables import open_parquet_writer

METADATA = {
    "predictor": "multi",
    "mode": "exact",
    "tasks": [{"name": "human", "modification": "m6A", "base": "A", "motif": "DRACH", "motif_offset": 2}],
    "model_sha256": "ab12",
    "sequences": 3,
    "sites": 8,
}


def site(transcript: str, chrom: str, start: int, strand: str, probability: float, **more) -> dict:
    return {
        "sequence": transcript,
        "start": 3,
        "end": 4,
        "task": "human",
        "modification": "m6A",
        "base": "A",
        "gene": f"gene of {transcript}",
        "gene_name": "",
        "length": 9,
        "chrom": chrom,
        "genome_start": start,
        "genome_end": start + 1 if start >= 0 else -1,
        "strand": strand,
        "region": "cds",
        "kmer": "GGACU",
        "logit": 1.0,
        "probability": probability,
        "p": 0.5,
        "q": 0.5,
        "false_fraction": 1 - probability,
    } | more


def write_sites(path, *rows: dict, row_group: int = 3):
    """Rows as a file of predicted sites, in several row groups with dictionaries of their own."""
    with open_parquet_writer(path, SITE_SCHEMA, METADATA) as writer:
        for at in range(0, len(rows), row_group):
            writer.write_table(pa.Table.from_pylist(list(rows[at : at + row_group]), schema=SITE_SCHEMA))
    return path


def frame_of(sites) -> pd.DataFrame:
    """All of merged sites at once."""
    return pd.concat(sites, ignore_index=True)


ROWS = (
    site("b", "chr2", 7, "+", 0.25),
    site("a", "chr10", 9, "-", 0.5),
    site("a", "chr10", 5, "+", 0.5, logit=2.0),
    site("c", "chr10", 5, "+", 0.75, region="utr3"),
    site("d", "chr10", 5, "-", 0.1),
    site("c", "", -1, "+", 0.9),
    site("b", "chr10", 5, "+", 0.75),
    site("e", "chr2", 7, "+", 0.25),
)


def test_the_most_probable_isoform_speaks_for_the_site(tmp_path):
    merged = merge_isoforms(write_sites(tmp_path / "s.parquet", *ROWS))
    frame = frame_of(merged)
    assert tuple(frame.columns) == MERGED_COLUMNS
    assert (merged.rows, merged.without_coordinates) == (7, 1)
    assert list(zip(frame["chrom"], frame["start"], frame["end"], frame["strand"], strict=True)) == [
        ("chr10", 5, 6, "+"),
        ("chr10", 5, 6, "-"),
        ("chr10", 9, 10, "-"),
        ("chr2", 7, 8, "+"),
    ]
    assert frame["transcripts"].tolist() == ["a,c,b", "d", "a", "b,e"]
    assert frame["isoforms"].tolist() == [3, 1, 1, 2]
    assert frame["sequence"].tolist() == ["c", "d", "a", "b"]
    assert frame["region"].tolist() == ["utr3", "cds", "cds", "cds"]
    assert frame["probability"].tolist() == pytest.approx([0.75, 0.1, 0.5, 0.25])
    assert frame["gene"].tolist()[0] == "gene of c"


def test_merging_against_pandas(tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        site(f"t{at // 7}", f"c{rng.integers(3)}", int(rng.integers(8)), "+-"[rng.integers(2)], p)
        for at, p in enumerate(rng.integers(0, 5, 150) / 8)
    ]
    frame = frame_of(merge_isoforms(write_sites(tmp_path / "s.parquet", *rows, row_group=11), run_rows=13))
    groups = pd.DataFrame(rows).groupby(["chrom", "genome_start", "strand"])
    expected = groups.agg(probability=("probability", "max"), isoforms=("sequence", "size")).reset_index()
    expected = expected.rename(columns={"genome_start": "start"})
    expected["transcripts"] = groups["sequence"].agg(",".join).to_numpy()
    best = pd.DataFrame(rows).loc[groups["probability"].idxmax(), "sequence"].to_numpy()
    assert (frame["sequence"].to_numpy() == best).all()
    pd.testing.assert_frame_equal(frame[list(expected.columns)], expected, check_dtype=False)


@pytest.mark.parametrize("rows", [(), (site("a", "", -1, "+", 0.5),)])
def test_nothing_with_coordinates(tmp_path, rows):
    merged = merge_isoforms(write_sites(tmp_path / "s.parquet", *rows))
    assert len(merged) == merged.rows == 0
    assert merged.without_coordinates == len(rows)
    write_bed(merged, tmp_path / "s.bed")
    assert (tmp_path / "s.bed").read_text() == ""


def test_uncalibrated_sites_and_other_files_are_refused(tmp_path):
    path = write_sites(tmp_path / "s.parquet", site("a", "1", 1, "+", float("nan")))
    with pytest.raises(InputError, match="no probability; scan with a model that is calibrated"):
        merge_isoforms(path)
    with pytest.raises(InputError, match="no such file"):
        merge_isoforms(tmp_path / "none.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="lacks sequence"):
        next(stream_sites(tmp_path / "other.parquet"))
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(InputError, match="not a Parquet file"):
        read_site_metadata(tmp_path / "text.parquet")


def test_limits(tmp_path):
    merged = merge_isoforms(write_sites(tmp_path / "s.parquet", *ROWS))
    for limits, kept in (
        ({"above": 0.5}, [0.75]),
        ({"fdr": 0.5}, [0.75]),
        ({"above": 0.2, "fdr": 0.6}, [0.75, 0.5]),
        ({}, [0.75, 0.1, 0.5, 0.25]),
    ):
        chosen = select_sites(merged, **limits)
        assert frame_of(chosen)["probability"].tolist() == pytest.approx(kept)
        assert len(chosen) == len(kept)
    with pytest.raises(InputError, match="above is no fraction"):
        select_sites(merged, above=2)


def test_what_is_said_above_exported_sites(tmp_path):
    path = write_sites(tmp_path / "s.parquet", *ROWS)
    merged = merge_isoforms(path)
    lines = export_comments(read_site_metadata(path), merged, select_sites(merged, above=0.2, fdr=0.6))
    assert "PREDICTIONS" in lines[0]
    assert "1 without genome coordinates left out" in lines[2]
    assert lines[3].startswith("7 on the genome merged to 4 positions")
    assert lines[4:] == [
        "2 with a probability of at most 0.2 or a fraction of false calls of at least 0.6 left out",
        "2 sites below",
    ]


def in_memory(frame: pd.DataFrame) -> pd.DataFrame:
    """Isoforms merged with the whole table at hand."""
    frame = frame.drop(columns=["start", "end"]).rename(columns={"genome_start": "start", "genome_end": "end"})
    frame = frame[frame["start"] >= 0].assign(row=range((frame["start"] >= 0).sum()))
    best = frame.sort_values(["chrom", "start", "strand", "probability", "row"], ascending=[True] * 3 + [False, True])
    groups = frame.groupby(["chrom", "start", "strand"])["sequence"]
    merged = best.drop_duplicates(["chrom", "start", "strand"]).set_index(["chrom", "start", "strand"])
    merged["isoforms"], merged["transcripts"] = groups.size(), groups.agg(",".join)
    merged = merged.reset_index()
    return merged[list(MERGED_COLUMNS)]


@pytest.mark.parametrize("run_rows", [1, 100, 1 << 15])
def test_streamed_merging_and_files_are_those_made_in_memory(tmp_path, monkeypatch, run_rows):
    """Several chromosomes, isoforms, equal probabilities, sites of unknown place, one place in every run."""
    monkeypatch.setattr(merging, "_BLOCK_ROWS", 16)
    rng = np.random.default_rng(5)
    rows = []
    for at in range(700):
        placed = rng.random() < 0.9
        probability = float(np.float32(rng.integers(1, 6) / 7))
        chrom = str(rng.choice(["chr1", "chr10", "chr2", "chrM"])) if placed else ""
        start = int(rng.integers(60)) if placed else -1
        if at % 50 == 0:
            chrom, start = "chr2", 3
        extra = {"region": str(rng.choice(["cds", "utr3"])), "false_fraction": float(np.float32(rng.random()))}
        rows.append(site(f"t{at // 9}", chrom, start, "+-"[rng.integers(2)], probability, **extra))
    path = write_sites(tmp_path / "s.parquet", *rows, row_group=90)
    merged = merge_isoforms(path, run_rows=run_rows)
    expected = in_memory(pd.read_parquet(path))
    pd.testing.assert_frame_equal(frame_of(merged), expected, check_dtype=False)
    assert (merged.rows + merged.without_coordinates, len(merged)) == (700, len(expected))
    for name, sites in (("streamed", merged), ("whole", [expected])):
        write_bed(sites, tmp_path / f"{name}.bed")
        write_bigwig(sites, tmp_path / f"{name}.bw", "-", {"chr1": 60, "chr10": 60, "chr2": 60, "chrM": 60})
    assert (tmp_path / "streamed.bed").read_bytes() == (tmp_path / "whole.bed").read_bytes()
    assert (tmp_path / "streamed.bw").read_bytes() == (tmp_path / "whole.bw").read_bytes()


def test_two_tasks_at_one_place_stay_two(tmp_path):
    rows = [site("a", "c", 5, "+", 0.5), site("a", "c", 5, "+", 0.9, task="mouse"), site("b", "c", 5, "+", 0.7)]
    frame = frame_of(merge_isoforms(write_sites(tmp_path / "s.parquet", *rows)))
    assert frame[["task", "sequence", "isoforms"]].to_numpy().tolist() == [["human", "b", 2], ["mouse", "a", 1]]


def test_a_flipped_bit_is_found(tmp_path):
    path = write_sites(tmp_path / "s.parquet", *(site("a", "c", at, "+", 0.5) for at in range(200)), row_group=200)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        list(stream_sites(path))


def test_bed_is_read_back_by_pysam(tmp_path):
    frame = frame_of(merge_isoforms(write_sites(tmp_path / "s.parquet", *ROWS)))
    write_bed([frame], tmp_path / "s.bed", ["predictions"])
    assert (tmp_path / "s.bed").read_text().splitlines()[:2] == ["# predictions", "chr10\t5\t6\tm6A\t750\t+"]
    pysam.tabix_compress(str(tmp_path / "s.bed"), str(tmp_path / "s.bed.gz"))
    pysam.tabix_index(str(tmp_path / "s.bed.gz"), preset="bed")
    with pysam.TabixFile(str(tmp_path / "s.bed.gz")) as bed:
        rows = [
            (row.contig, row.start, row.end, row.name, int(row.score), row.strand)
            for chrom in bed.contigs
            for row in bed.fetch(chrom, parser=pysam.asBed())
        ]
    expected = frame.assign(name="m6A", score=(1000 * frame["probability"]).round().astype(int))
    columns = ["chrom", "start", "end", "name", "score", "strand"]
    assert rows == list(expected[columns].itertuples(index=False, name=None))


def test_bigwig_is_read_back_by_another_library(tmp_path):
    pybigtools = pytest.importorskip("pybigtools")
    frame = frame_of(merge_isoforms(write_sites(tmp_path / "s.parquet", *ROWS)))
    sizes = {"chr1": 30, "chr10": 20, "chr2": 8}
    for strand, name in (("+", "plus"), ("-", "minus")):
        write_bigwig([frame], tmp_path / f"{name}.bw", strand, sizes)
        track = pybigtools.open(str(tmp_path / f"{name}.bw"))
        assert track.chroms() == sizes
        rows = [(chrom, *record) for chrom in sizes for record in track.records(chrom)]
        expected = frame[frame["strand"] == strand][["chrom", "start", "end", "probability"]]
        assert rows == list(expected.itertuples(index=False, name=None))
    again = tmp_path / "again.bw"
    write_bigwig([frame], again, "-", sizes)
    assert again.read_bytes() == (tmp_path / "minus.bw").read_bytes()


def test_a_strand_without_a_site_is_a_track_without_a_value(tmp_path):
    import pyBigWig

    frame = frame_of(merge_isoforms(write_sites(tmp_path / "s.parquet", site("a", "c", 5, "+", 0.5))))
    write_bigwig([frame], tmp_path / "minus.bw", "-", {"c": 10})
    with pyBigWig.open(str(tmp_path / "minus.bw")) as track:
        assert track.chroms() == {"c": 10}
        assert track.intervals("c") is None
    with pytest.raises(InputError, match="no transcript has coordinates"):
        write_bigwig([frame], tmp_path / "none.bw", "+", {})
    assert not (tmp_path / "none.bw").exists()


def test_chromosome_sizes(write_transcripts):
    path = write_transcripts(
        {"transcript": "a", "sequence": "AC", "chrom": "z", "exon_starts": [0, 7], "exon_ends": [1, 8]},
        {"transcript": "b", "sequence": "AC", "chrom": "z", "exon_starts": [1], "exon_ends": [3]},
        {"transcript": "c", "sequence": "AC", "chrom": "m", "exon_starts": [1], "exon_ends": [3]},
        {"transcript": "d", "sequence": "AC"},
    )
    assert chromosome_sizes(path) == {"m": 3, "z": 8}
