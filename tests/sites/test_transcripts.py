"""Spliced transcripts."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sequences import read_records
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.drops import Drops
from rnamarks.sites.transcripts import build_transcripts, open_genome, read_lengths
from rnamarks.tables import write_parquet

GENOME = ">chr1 some text\nAACCggttNN\nRYACGTACGT\nAAAA\n>chr2\nGATTACA\n"


def annotation(*rows: tuple) -> pd.DataFrame:
    """Rows of (transcript, chrom, strand, exon starts, exon ends), 0-based half-open."""
    return pd.DataFrame(
        [
            (name, "g", "", "", chrom, strand, np.array(starts), np.array(ends), -1, -1)
            for name, chrom, strand, starts, ends in rows
        ],
        columns=column_names("transcripts", last="cds_end"),
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
    assert list(frame.columns) == column_names("transcripts")
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
    with pytest.raises(InputError, match=r"contig chr1: letter [0-9]+ is no nucleotide"):
        build_transcripts(annotation(("a", "chr1", "+", [0], [3])), path, Drops(), workdir=tmp_path / "work")


def test_a_genome_of_another_assembly_is_told_by_its_start_codons(tmp_path):
    rng = np.random.default_rng(5)
    text = rng.choice(list("ACGT"), 60 * 30)
    rows = annotation(*((f"t{i}", "chr1", "+", [30 * i], [30 * i + 30]) for i in range(60)))
    rows["cds_start"], rows["cds_end"] = 3, 27
    wrong = write_genome(tmp_path, ">chr1\n" + "".join(text) + "\n")
    with pytest.raises(InputError, match="coding sequences begin with AUG"):
        build_transcripts(rows, wrong, Drops(), workdir=tmp_path / "work")
    assert len(build_transcripts(rows, wrong, Drops(), workdir=tmp_path / "work", minimum_aug=0)) == 60
    for start in range(3, len(text), 30):
        text[start : start + 3] = list("ATG")
    right = write_genome(tmp_path, ">chr1\n" + "".join(text) + "\n")
    assert len(build_transcripts(rows, right, Drops(), workdir=tmp_path / "work")) == 60


def shifted_mitochondrion(tmp_path, nuclear=12, mito=4, shift=1):
    """A genome whose chrM is not the annotation's MT: genes there begin ``shift`` nt off their start codon."""
    gene = "CCATGCCCCCCTAACCCCCCCCCCCCCCCC"
    rows = [(f"n{i}", "1", "+", [30 * i], [30 * i + 30]) for i in range(nuclear)]
    rows += [(f"m{i}", "MT", "+", [30 * i], [30 * i + 30]) for i in range(mito)]
    frame = annotation(*rows).assign(cds_start=2, cds_end=14)
    frame["gene"] = frame["transcript"]
    other = "G" * shift + gene.replace("ATG", "ATA") * mito
    return frame, write_genome(tmp_path, f">chr1\n{gene * nuclear}\n>chrM\n{other}\n")


def test_a_contig_that_is_another_sequence_is_left_out_and_named(tmp_path):
    rows, genome = shifted_mitochondrion(tmp_path)
    drops = Drops()
    frame = build_transcripts(rows, genome, drops, workdir=tmp_path / "work")
    assert set(frame["chrom"]) == {"chr1"}
    reason = "the genome's chrM is another sequence, 0 of 4 genes begin with a start codon"
    assert (drops.rows(reason), drops.rows("kept")) == (4, 12)
    rows, genome = shifted_mitochondrion(tmp_path, shift=0)
    assert len(build_transcripts(rows, genome, Drops(), workdir=tmp_path / "work")) == 16
    # too few genes to tell
    rows, genome = shifted_mitochondrion(tmp_path, mito=2)
    assert len(build_transcripts(rows, genome, Drops(), workdir=tmp_path / "work")) == 14
    rows, genome = shifted_mitochondrion(tmp_path, nuclear=9)
    assert len(build_transcripts(rows, genome, Drops(), workdir=tmp_path / "work")) == 13


def test_a_contig_that_is_too_short_is_left_out_and_named(tmp_path):
    rows = annotation(("a", "1", "+", [0], [3]), ("b", "1", "+", [3], [9]), ("long", "2", "+", [0, 6], [3, 8]))
    drops = Drops()
    frame = build_transcripts(rows, write_genome(tmp_path), drops, workdir=tmp_path / "work")
    assert frame["transcript"].tolist() == ["a", "b"]
    assert drops.rows("the genome's chr2 is another sequence or cut off, exons lie beyond its 7 nt") == 1
    assert drops.rows("kept") == 2


def test_a_mitochondrion_of_another_assembly(tmp_path, shared_cases):
    drops = Drops()
    rows = read_annotation(shared_cases / "mito.gtf", drops)
    frame = build_transcripts(rows, shared_cases / "mito_other.fa", drops, workdir=tmp_path)
    assert len(frame) == 50
    assert frame["sequence"].str.startswith("AUG").all()
    assert drops.rows("the genome's chrM is another sequence, 0 of 3 genes begin with a start codon") == 3


@pytest.mark.parametrize("packed", [False, True])
def test_old_line_ends(tmp_path, packed):
    path = write_genome(tmp_path, GENOME.replace("\n", "\r"), packed)
    frame = build_transcripts(annotation(("a", "chr1", "+", [0], [24])), path, Drops(), workdir=tmp_path / "work")
    assert frame["sequence"].tolist() == ["AACCGGUUNNNNACGUACGUAAAA"]


def test_a_damaged_genome(tmp_path):
    data = bytearray(gzip.compress(GENOME.encode() * 50))
    data[30] ^= 255
    (tmp_path / "genome.fa.gz").write_bytes(data)
    with pytest.raises(InputError, match="cut off or corrupt"):
        open_genome(tmp_path / "genome.fa.gz", tmp_path / "work")


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
