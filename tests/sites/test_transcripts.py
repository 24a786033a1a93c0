"""Spliced transcripts."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.sequences import read_records
from rnamarks.sites.annotation import ANNOTATION_COLUMNS, read_annotation
from rnamarks.sites.drops import Drops
from rnamarks.sites.transcripts import TRANSCRIPT_COLUMNS, build_transcripts, open_genome, read_lengths, read_sequences
from rnamarks.tables import write_parquet

GENOME = ">chr1 some text\nAACCggttNN\nRYACGTACGT\nAAAA\n>chr2\nGATTACA\n"


def annotation(*rows: tuple) -> pd.DataFrame:
    """Rows of (transcript, chrom, strand, exon starts, exon ends), 0-based half-open."""
    return pd.DataFrame(
        [
            (name, "g", "", "", chrom, strand, np.array(starts), np.array(ends), -1, -1)
            for name, chrom, strand, starts, ends in rows
        ],
        columns=list(ANNOTATION_COLUMNS),
    )


def write_genome(tmp_path, text: str = GENOME, packed: bool = False):
    path = tmp_path / ("genome.fa.gz" if packed else "genome.fa")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_splicing(tmp_path, packed, ending):
    path = write_genome(tmp_path, GENOME.replace("\n", ending), packed)
    rows = annotation(
        ("plus", "chr1", "+", [0, 12], [3, 16]),
        ("minus", "chr1", "-", [2, 12], [10, 15]),
        ("masked", "chr1", "+", [4], [12]),
        ("other", "2", "-", [0], [7]),
    )
    drops = Drops()
    frame = build_transcripts(rows, path, drops, workdir=tmp_path / "work")
    assert tuple(frame.columns) == TRANSCRIPT_COLUMNS
    assert frame["sequence"].tolist() == ["AACACGU", "CGUNNAACCGG", "GGUUNNNN", "UGUAAUC"]
    assert frame["chrom"].tolist() == ["chr1", "chr1", "chr1", "chr2"]
    assert drops.rows("kept") == 4
    assert frame.attrs["lengths"] == {"chr1": 24, "chr2": 7}
    write_parquet(frame, tmp_path / "work" / "t.parquet", {"lengths": frame.attrs["lengths"]})
    assert read_lengths(tmp_path / "work" / "t.parquet") == frame.attrs["lengths"]
    assert sorted(child.name for child in tmp_path.iterdir()) == [path.name, "work"]


def test_a_copy_is_used_again_until_the_genome_changes(tmp_path):
    path, work = write_genome(tmp_path, packed=True), tmp_path / "work"
    open_genome(path, work).close()
    first = {child.name: child.stat().st_mtime_ns for child in work.iterdir()}
    open_genome(path, work).close()
    assert {child.name: child.stat().st_mtime_ns for child in work.iterdir()} == first
    path.write_bytes(gzip.compress(b">chr1\nTTTTT\n"))
    with open_genome(path, work) as genome:
        assert genome["chr1"][:].seq == "TTTTT"


def test_contigs_that_the_genome_lacks_are_counted(tmp_path):
    rows = annotation(("a", "chr1", "+", [0], [3]), ("b", "chrUn", "+", [0], [3]))
    drops = Drops()
    frame = build_transcripts(rows, write_genome(tmp_path), drops, workdir=tmp_path / "work")
    assert frame["transcript"].tolist() == ["a"]
    assert drops.rows("contig not in the genome") == 1


def test_an_exon_off_the_end_of_its_contig(tmp_path):
    rows = annotation(("fits", "chr1", "+", [0], [24]), ("long", "chr1", "+", [0, 20], [3, 25]))
    with pytest.raises(InputError, match="transcript long ends at 25, but chr1 has 24 nt") as caught:
        build_transcripts(rows, write_genome(tmp_path), Drops(), workdir=tmp_path, annotation_path="genes.gtf")
    assert "genes.gtf" in str(caught.value)
    assert "one assembly" in str(caught.value)


def test_no_chromosome_in_common(tmp_path):
    with pytest.raises(InputError, match="no chromosome in common"):
        build_transcripts(
            annotation(("a", "chrZ", "+", [0], [3])), write_genome(tmp_path), Drops(), workdir=tmp_path / "work"
        )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the genome is empty"),
        (b"ACGT\n", "no FASTA"),
        (b">a\nACGT\nAC\nACGT\n", "cannot be indexed"),
        (b">a\nACGT\n>a\nACGT\n", "cannot be indexed"),
        (gzip.compress(GENOME.encode() * 100)[:-30], "cut off or corrupt"),
    ],
)
def test_a_bad_genome(tmp_path, content, says):
    path = tmp_path / "genome.fa"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        open_genome(path, tmp_path / "work")
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "work").glob("*.fa"))


def test_a_missing_genome_and_a_letter_that_is_none(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_genome(tmp_path / "none.fa", tmp_path)
    path = write_genome(tmp_path, ">chr1\nAC-GT\n")
    with pytest.raises(InputError, match="contig chr1: a letter is no nucleotide"):
        build_transcripts(annotation(("a", "chr1", "+", [0], [3])), path, Drops(), workdir=tmp_path / "work")


def test_a_genome_of_another_assembly_is_told_by_its_start_codons(tmp_path):
    rng = np.random.default_rng(5)
    text = rng.choice(list("ACGT"), 60 * 30)
    rows = annotation(*((f"t{i}", "chr1", "+", [30 * i], [30 * i + 30]) for i in range(60)))
    rows["cds_start"], rows["cds_end"] = 3, 27
    wrong = write_genome(tmp_path, ">chr1\n" + "".join(text) + "\n")
    with pytest.raises(InputError, match="coding sequences begin with AUG"):
        build_transcripts(rows, wrong, Drops(), workdir=tmp_path / "work")
    assert len(build_transcripts(rows, wrong, Drops(), workdir=tmp_path / "work", least_aug=0)) == 60
    for start in range(3, len(text), 30):
        text[start : start + 3] = list("ATG")
    right = write_genome(tmp_path, ">chr1\n" + "".join(text) + "\n")
    assert len(build_transcripts(rows, right, Drops(), workdir=tmp_path / "work")) == 60


def test_sequences_are_read_in_batches(tmp_path):
    frame = pd.DataFrame({"sequence": [f"ACG{'U' * i}" for i in range(10)]})
    write_parquet(frame, tmp_path / "t.parquet")
    assert list(read_sequences(tmp_path / "t.parquet", batch_rows=3)) == frame["sequence"].tolist()


def test_every_fly_transcript_equals_the_published_one(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "fly_chr4"
    drops = Drops()
    rows = read_annotation(folder / "dmelanogaster_chr4.gtf.gz", drops)
    frame = build_transcripts(rows, folder / "dmelanogaster_chr4_genome.fa.gz", drops, workdir=tmp_path)
    built = dict(zip(frame["transcript"], frame["sequence"], strict=True))
    published = {record.header: record.sequence for record in read_records(folder / "dmelanogaster_chr4_trans_F.fa.gz")}
    assert len(published) == 332
    assert {name: built[name] for name in published} == published
    coding = frame[frame["cds_start"] >= 0]
    assert len(coding) == 295
    starts = [text[at : at + 3] for text, at in zip(coding["sequence"], coding["cds_start"], strict=True)]
    stops = [text[at - 3 : at] for text, at in zip(coding["sequence"], coding["cds_end"], strict=True)]
    assert starts.count("AUG") == 293
    assert sum(codon in ("UAA", "UAG", "UGA") for codon in stops) == 295
