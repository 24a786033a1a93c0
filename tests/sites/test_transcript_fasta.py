"""Transcripts from a FASTA file alone, or joined with an annotation."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.coordinates import TranscriptMap
from rnamarks.sites.drops import Drops
from rnamarks.sites.transcript_fasta import read_header, read_transcript_fasta
from rnamarks.sites.transcripts import build_transcripts
from rnamarks.tables import read_parquet, write_parquet


def annotation(*rows: tuple) -> pd.DataFrame:
    """Rows of (transcript, chrom, strand, exon starts, exon ends, cds start, cds end)."""
    return pd.DataFrame(
        [
            (name, f"gene of {name}", "", "mRNA", chrom, strand, np.array(starts), np.array(ends), low, high)
            for name, chrom, strand, starts, ends, low, high in rows
        ],
        columns=column_names("transcripts", last="cds_end"),
    )


def write(path, text: str):
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("NM_1", ("NM_1", "", "", "")),
        ("gi|5|ref|NM_1.2| Mus musculus thing (theta)-like 2 (Thg-2), mRNA", ("NM_1.2", "Thg-2", "Thg-2", "")),
        ("gi|5|ref|NM_1.2|", ("NM_1.2", "", "", "")),
        ("ENST1.2|ENSG3.4|O1|O2|DDX-2|DDX|1657|lncRNA|", ("ENST1.2", "ENSG3.4", "DDX", "lncRNA")),
        (
            "ENST1.2 cdna chromosome:GRCh38:1:5:9:1 gene:ENSG3.4 gene_biotype:x transcript_biotype:y gene_symbol:DDX",
            ("ENST1.2", "ENSG3.4", "DDX", "y"),
        ),
        ("a|b", ("a", "", "", "")),
        ("", ("", "", "", "")),
    ],
)
def test_headers(header, expected):
    assert tuple(read_header(header)) == expected


@pytest.mark.parametrize("packed", [False, True])
def test_fasta_alone(tmp_path, packed):
    text = "\ufeff>a some text\r\nacgt\r\nNNRA\r\n\r\n>b\r\nUUU\r\n>a\r\nACGUNNNA\r\n>a\r\nACG\r\n"
    path = tmp_path / "t.fa"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    drops = Drops()
    frame = read_transcript_fasta(path, drops, subject="fly")
    assert list(frame.columns) == column_names("transcripts")
    assert frame["transcript"].tolist() == ["a", "b", "a_dup1"]
    assert frame["sequence"].tolist() == ["ACGUNNNA", "UUU", "ACG"]
    assert drops.rows("same id and sequence as an earlier record") == 1
    assert drops.rows("note: one id with several sequences, suffix _dup added") == 1
    assert drops.rows("kept") == 3
    write_parquet(frame, tmp_path / "t.parquet")
    back, _ = read_parquet(tmp_path / "t.parquet", column_names("transcripts"))
    assert [len(exons) for exons in back["exon_starts"]] == [0, 0, 0]
    assert set(back["chrom"]) == {""}
    assert set(back["cds_start"]) == {-1}
    coordinates = TranscriptMap(back)
    assert coordinates.to_genome([0, 1], [2, 2]).tolist() == [-1, -1]
    assert coordinates.region([0, 1], [2, 2]).tolist() == ["unknown", "unknown"]


def test_joined_by_id_and_length(tmp_path):
    path = write(tmp_path / "t.fa", ">a.3\nACGU\n>b\nACGUC\n>c.1\nAAA\n>d\nAC\n>e.1\nACG\n>e.1\nUUU\n")
    rows = annotation(
        ("d", "1", "+", [0], [2], -1, -1),
        ("a", "1", "-", [5, 20], [8, 21], 0, 3),
        ("b.7", "2", "+", [5], [9], 0, 3),
        ("c.9", "2", "+", [50], [53], -1, -1),
        ("c.1", "2", "+", [10], [13], -1, -1),
        ("e.1", "X", "+", [0], [3], -1, -1),
        ("e.1_dup1", "Y", "+", [7], [10], -1, -1),
    )
    drops = Drops()
    frame = read_transcript_fasta(path, drops, annotation=rows).set_index("transcript")
    assert frame["chrom"].to_dict() == {"a.3": "1", "b": "", "c.1": "2", "d": "1", "e.1": "X", "e.1_dup1": "Y"}
    assert frame.at["a.3", "strand"] == "-"
    assert frame.at["a.3", "exon_starts"].tolist() == [5, 20]
    assert (frame.at["a.3", "cds_start"], frame.at["a.3", "cds_end"]) == (0, 3)
    assert frame.at["c.1", "exon_starts"].tolist() == [10]
    assert frame.at["a.3", "gene"] == "gene of a"
    assert frame.at["b", "gene"] == ""
    assert drops.rows("note: exons add up to another length than the sequence, no coordinates") == 1


def test_poly_a_tails_and_places(tmp_path):
    """UCSC numbers the places of a transcript that maps twice, and RefSeq's sequences end in their tails."""
    path = write(tmp_path / "t.fa", ">NM_1.3\nACGUAAAA\n>NM_2.1\nACGAC\n>NM_3.1\nACAA\n>NM_4.1\nACGUC\n")
    rows = annotation(
        ("NM_1_2", "22", "+", [0], [5], 0, 3),
        ("NM_2", "22", "-", [10, 20], [12, 22], -1, -1),
        ("NM_3_2", "22", "+", [30], [33], -1, -1),
        ("NM_3", "22", "+", [40], [44], -1, -1),
    )
    drops = Drops()
    frame = read_transcript_fasta(path, drops, annotation=rows).set_index("transcript")
    # the sequence keeps as much of the tail as the exons hold; C is no tail; the whole length is taken first
    assert frame["sequence"].tolist() == ["ACGUA", "ACGAC", "ACAA", "ACGUC"]
    assert [starts.tolist() for starts in frame["exon_starts"]] == [[0], [], [40], []]
    assert drops.rows("note: poly-A tail behind the exons taken off") == 1
    assert drops.rows("note: exons add up to another length than the sequence, no coordinates") == 1
    assert drops.rows("note: transcript not in the annotation, no coordinates") == 1


def test_an_annotation_of_another_naming_is_refused(tmp_path):
    path = write(tmp_path / "t.fa", ">a\nACGU\n>b\nACGU\n>c\nAAA\n")
    rows = annotation(("a", "1", "+", [0], [4], -1, -1), ("zz", "1", "+", [0], [4], -1, -1))
    with pytest.raises(InputError, match=r"only 33\.3% of 3 transcript ids are in the annotation.*it has a, zz") as e:
        read_transcript_fasta(path, Drops(), annotation=rows, annotation_path="genes.gtf")
    assert str(e.value).startswith("genes.gtf")
    drops = Drops()
    frame = read_transcript_fasta(path, drops, annotation=rows, minimum_matched=0)
    assert frame["chrom"].tolist() == ["1", "", ""]
    assert drops.rows("note: transcript not in the annotation, no coordinates") == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no sequence"),
        (">a\n>b\nAC\n", "has no sequence"),
        ("ACGU\n", "t.fa:1: the transcript has no name"),
        (">a\nAC\n>\nACG\n", "t.fa:3: the transcript has no name"),
        (">a\nACXXZ\n", "no nucleotide"),
        (">a\nAC\n>a\nAA\n>a_dup1\nA\n", "cannot be made unique"),
    ],
)
def test_bad_files(tmp_path, text, says):
    with pytest.raises(InputError, match=says):
        read_transcript_fasta(write(tmp_path / "t.fa", text), Drops())


def test_human_chr22(shared_data):
    folder = shared_data / "transcripts" / "human_chr22"
    drops = Drops()
    frame = read_transcript_fasta(folder / "refseq_chr22_transcripts.fa.gz", drops)
    assert len(frame) == drops.rows("kept") == 918
    assert frame["transcript"].str.fullmatch(r"N[MR]_[0-9]+\.[0-9]+").all()
    assert frame["sequence"].str.len().sum() == 2_733_262
    assert frame.loc[frame["transcript"] == "NM_014406.4", "gene"].tolist() == ["CCT8L2"]
    assert (frame["gene"] != "").mean() > 0.99
    other = read_annotation(folder / "gencode.v24.annotation_chr22.gtf.gz", Drops())
    with pytest.raises(InputError, match=r"only 0\.0% of 918"):
        read_transcript_fasta(folder / "refseq_chr22_transcripts.fa.gz", Drops(), annotation=other)


def test_human_hox(shared_data):
    folder = shared_data / "transcripts" / "human_hox"
    drops = Drops()
    rows = read_annotation(folder / "transcripts.gtf.gz", drops)
    frame = read_transcript_fasta(folder / "transcripts.fasta.gz", drops, annotation=rows)
    assert len(frame) == 14
    assert set(frame["chrom"]) == {"5", "12"}
    assert TranscriptMap(frame).lengths.tolist() == frame["sequence"].str.len().tolist()
    coding = frame[frame["cds_start"] >= 0]
    starts = [text[at : at + 3] for text, at in zip(coding["sequence"], coding["cds_start"], strict=True)]
    assert starts.count("AUG") >= 10
    assert frame["gene_name"].str.startswith("HOXC").any()


def test_fly_equals_what_genome_and_annotation_give(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "fly_chr4"
    rows = read_annotation(folder / "dmelanogaster_chr4.gtf.gz", Drops())
    built = build_transcripts(rows, folder / "dmelanogaster_chr4_genome.fa.gz", Drops(), workdir=tmp_path)
    drops = Drops()
    frame = read_transcript_fasta(folder / "dmelanogaster_chr4_trans_F.fa.gz", drops, annotation=rows)
    assert len(frame) == 332
    expected = built.set_index("transcript").loc[frame["transcript"]].reset_index()
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)


@pytest.mark.parametrize("blank", [" ", "\t", "  ", " \t"])
def test_the_name_is_the_first_word(tmp_path, blank):
    path = write(tmp_path / "t.fa", f">T1{blank}gene:A{blank}note\nACGU\n>T2{blank}gene:B\nAC\n")
    frame = read_transcript_fasta(path, Drops())
    assert frame[["transcript", "gene"]].to_numpy().tolist() == [["T1", "A"], ["T2", "B"]]


def test_a_tab_behind_the_name(shared_cases):
    assert read_transcript_fasta(shared_cases / "tab_header.fa", Drops())["transcript"].tolist() == ["T1", "T2"]


def test_names_that_look_like_missing_values_stay(tmp_path):
    path = write(tmp_path / "t.fa", ">NA\nACGU\n>nan\nAC\n>None\nACG\n")
    assert read_transcript_fasta(path, Drops())["transcript"].tolist() == ["NA", "nan", "None"]
