"""Transcript and genome positions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnamarks.sequences import encode, read_records
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.coordinates import TranscriptMap
from rnamarks.sites.drops import Drops
from rnamarks.sites.transcripts import build_transcripts


@st.composite
def transcript_rows(draw) -> list[dict]:
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        steps = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=6))
        at, starts, ends = draw(st.integers(0, 20)), [], []
        for gap, length in steps:
            starts.append(at + gap)
            ends.append(at + gap + length)
            at = ends[-1]
        total = sum(length for _, length in steps)
        bounds = sorted(draw(st.lists(st.integers(0, total), min_size=2, max_size=2)))
        coding = draw(st.booleans()) and bounds[0] < bounds[1]
        rows.append(
            {
                "chrom": draw(st.sampled_from(["a", "b"])),
                "strand": draw(st.sampled_from("+-")),
                "exon_starts": np.array(starts),
                "exon_ends": np.array(ends),
                "cds_start": bounds[0] if coding else -1,
                "cds_end": bounds[1] if coding else -1,
            }
        )
    return rows


def genome_positions(row: dict) -> list[int]:
    """Genome position of each position of a transcript, written out one by one."""
    listed = [
        position
        for start, end in zip(row["exon_starts"], row["exon_ends"], strict=True)
        for position in range(start, end)
    ]
    return listed if row["strand"] == "+" else listed[::-1]


@settings(max_examples=150, deadline=None)
@given(transcript_rows())
def test_genome_positions_equal_those_written_out(rows):
    transcript_map = TranscriptMap(pd.DataFrame(rows))
    for number, row in enumerate(rows):
        expected = genome_positions(row)
        around = np.arange(-2, len(expected) + 2)
        owner = np.full(len(around), number)
        found = transcript_map.to_genome(owner, around)
        assert found.tolist() == [-1, -1, *expected, -1, -1]


@settings(max_examples=150, deadline=None)
@given(transcript_rows())
def test_overlaps_equal_a_search_through_all(rows):
    transcript_map = TranscriptMap(pd.DataFrame(rows))
    queries = [(chrom, strand, at) for chrom in "abc" for strand in "+-." for at in (-1, *range(0, 60, 7))]
    chrom, strand, at = (np.array(column, dtype=object) for column in zip(*queries, strict=True))
    expected = [
        (query, number, genome_positions(row).index(position))
        for query, (name, sign, position) in enumerate(queries)
        for number, row in enumerate(rows)
        if (row["chrom"], row["strand"]) == (name, sign) and position in genome_positions(row)
    ]
    found = transcript_map.overlaps(chrom, strand, at.astype(int))
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(transcript_rows())
def test_regions(rows):
    transcript_map = TranscriptMap(pd.DataFrame(rows))
    for number, row in enumerate(rows):
        length = len(genome_positions(row))
        if row["cds_start"] < 0:
            expected = ["noncoding"] * length
        else:
            expected = ["utr5"] * row["cds_start"] + ["cds"] * (row["cds_end"] - row["cds_start"])
            expected += ["utr3"] * (length - len(expected))
        found = transcript_map.region(np.full(length + 2, number), np.arange(-1, length + 1))
        assert found.tolist() == ["unknown", *expected, "unknown"]


def test_nothing_to_map():
    transcript_map = TranscriptMap(
        pd.DataFrame(columns=["chrom", "strand", "exon_starts", "exon_ends", "cds_start", "cds_end"])
    )
    query, owner, position = transcript_map.overlaps(["a"], ["+"], np.array([3]))
    assert len(query) == len(owner) == len(position) == 0
    with pytest.raises(ValueError, match="shape"):
        transcript_map.to_genome(np.zeros(2), np.zeros(3))


def test_every_position_of_the_fly_transcripts(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "fly_chr4"
    drops = Drops()
    genome_path = folder / "dmelanogaster_chr4_genome.fa.gz"
    frame = build_transcripts(
        read_annotation(folder / "dmelanogaster_chr4.gtf.gz", drops), genome_path, drops, workdir=tmp_path
    )
    transcript_map = TranscriptMap(frame)
    owner = np.repeat(np.arange(len(frame)), transcript_map.lengths)
    position = np.arange(len(owner)) - transcript_map.offsets[owner]
    on_genome = transcript_map.to_genome(owner, position)
    codes = encode(next(iter(read_records(genome_path))).sequence)[on_genome]
    minus = (frame["strand"] == "-").to_numpy()[owner]
    codes = np.where(minus & (codes < 4), 3 - codes, codes)
    assert (codes == encode("".join(frame["sequence"]))).all()
    steps = np.diff(on_genome)[np.diff(owner) == 0]
    assert (np.sign(steps) == np.where(minus[:-1], -1, 1)[np.diff(owner) == 0]).all()


def test_every_position_of_the_hox_transcripts(shared_data):
    folder = shared_data / "transcripts" / "human_hox"
    frame = read_annotation(folder / "transcripts.gtf.gz", Drops())
    transcript_map = TranscriptMap(frame)
    lengths = dict(zip(frame["transcript"], transcript_map.lengths.tolist(), strict=True))
    records = list(read_records(folder / "transcripts.fasta.gz"))
    assert len(records) == 14
    for record in records:
        assert lengths[record.header.split(".")[0]] == len(record.sequence)
    owner = np.repeat(np.arange(len(frame)), transcript_map.lengths)
    position = np.arange(len(owner)) - transcript_map.offsets[owner]
    on_genome = transcript_map.to_genome(owner, position)
    assert (on_genome >= 0).all()
    chrom, strand = (frame[name].to_numpy()[owner] for name in ("chrom", "strand"))
    query, row, found = transcript_map.overlaps(chrom, strand, on_genome)
    own = row == owner[query]
    assert own.sum() == len(position)
    assert (found[own] == position[query[own]]).all()
