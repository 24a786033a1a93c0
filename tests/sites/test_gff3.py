"""GFF3 in its dialects, held against GTF and against the reading frames of four species."""

from __future__ import annotations

import gzip
import re

import pytest

from rnamarks.errors import InputError
from rnamarks.files import open_text
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.annotation_formats import rows as blocks
from rnamarks.sites.drops import Drops
from rnamarks.sites.transcripts import build_transcripts

NAMES = ["transcript", "gene", "gene_name", "biotype"]


def gff(*rows: tuple) -> str:
    """Lines of (feature, start, end, strand, attributes) of one chromosome, 1-based closed."""
    lines = (f"chr1\tmade\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{rest}\n" for kind, start, end, strand, rest in rows)
    return "##gff-version 3\n" + "".join(lines)


def read(folder, text: str):
    path = folder / "a.gff3"
    path.write_text(text)
    drops = Drops()
    return read_annotation(path, drops).set_index("transcript", drop=False), drops


def exons(row) -> list[tuple[int, int]]:
    return list(zip(row.exon_starts.tolist(), row.exon_ends.tolist(), strict=True))


def as_gff3(path, gene: str, transcript: str, more: bool) -> str:
    """The rows of a GTF file as GFF3, whose ids have something before them; children stand before their parents."""
    children, parents = [], {}
    with open_text(path) as handle:
        for line in handle:
            if line.startswith("#"):
                continue
            *fields, attributes = line.rstrip("\n").split("\t")
            said = dict(re.findall(r'(\w+) "([^"]*)"', attributes))
            if "transcript_id" not in said:
                continue
            own, above = transcript + said["transcript_id"], gene + said["gene_id"]
            if fields[2] in ("exon", "CDS", "stop_codon"):
                children.append("\t".join([*fields, f"ID={fields[2]}-{len(children)};Parent={own};Note=5' end, \"x"]))
            place = [fields[0], "made"], ["1", "9", ".", fields[6], "."]
            ids = (f";transcript_id={said['transcript_id']}", f";gene_id={said['gene_id']}") if more else ("", "")
            biotype = said.get("transcript_biotype", "")
            parents[own] = [*place[0], "mRNA", *place[1], f"ID={own};Parent={above};biotype={biotype}{ids[0]}"]
            parents[above] = [*place[0], "gene", *place[1], f"ID={above};Name={said.get('gene_name', '')}{ids[1]}"]
    return "\n".join(["##gff-version 3", *children, *map("\t".join, parents.values()), "###", ""])


@pytest.mark.parametrize(
    ("gene", "transcript", "more"), [("", "", False), ("gene:", "transcript:", True), ("gene-", "rna-", False)]
)
def test_the_same_genes_as_from_gtf(tmp_path, shared_data, monkeypatch, gene, transcript, more):
    path = shared_data / "transcripts" / "human_hox" / "transcripts.gtf.gz"
    expected = read_annotation(path, Drops())
    text = as_gff3(path, gene, transcript, more)
    for size in (3000, 1 << 25):
        monkeypatch.setattr(blocks, "_BLOCK", size)
        found, _ = read(tmp_path, text + "##FASTA\n>chr1\nACGTAC\nGTACGT\n")
        assert found.reset_index(drop=True).astype(str).equals(expected.astype(str))


@pytest.mark.parametrize(
    ("name", "genes"),
    [("arabidopsis_pieces/at", 300), ("worm_pieces/ce", 150), ("fly_pieces/dm", 80), ("human_pieces/hs", 60)],
)
def test_coding_sequences_of_four_species(tmp_path, shared_data, name, genes):
    path = shared_data / "gene_context" / f"{name}1pct"
    genome = tmp_path / "genome.fa"
    genome.write_bytes(gzip.decompress(path.with_suffix(".fa.gz").read_bytes()))
    frame = build_transcripts(read_annotation(path.with_suffix(".gff3.gz"), Drops()), genome, Drops(), workdir=tmp_path)
    frame = frame[frame["cds_end"] > frame["cds_start"]]
    assert frame["gene"].nunique() > genes
    coding = [row.sequence[row.cds_start : row.cds_end] for row in frame.itertuples()]
    whole = [len(one) % 3 == 0 and one.startswith("AUG") and one[-3:] in ("UAA", "UAG", "UGA") for one in coding]
    inner = [any(one[at : at + 3] in ("UAA", "UAG", "UGA") for at in range(0, len(one) - 3, 3)) for one in coding]
    # genes that the pieces cut, and those whose ends nobody found, have no whole frame
    assert sum(whole) > 0.96 * len(whole)
    assert not any(bad for bad, good in zip(inner, whole, strict=True) if good)


def test_an_exon_of_several_transcripts_and_proteins_that_derive_from_them(tmp_path):
    text = gff(
        ("gene", 1, 90, "+", "ID=G;Name=A%3B1;Note=x%2Cy"),
        ("mRNA", 1, 90, "+", "ID=G.1;Parent=G"),
        ("mRNA", 1, 90, "+", "ID=G.2;Parent=G"),
        ("protein", 4, 50, "+", "ID=G.1-Protein;Derives_from=G.1"),
        ("exon", 1, 20, "+", "Parent=G.1,G.2,;"),
        ("exon", 41, 90, "+", "Parent=G.1"),
        ("CDS", 4, 20, "+", "Parent=G.1,G.1-Protein;"),
        ("CDS", 41, 50, "+", "Parent=G.1,G.1-Protein;"),
    )
    frame, drops = read(tmp_path, text)
    assert frame[NAMES].to_numpy().tolist() == [
        ["G.1", "G", "A;1", "protein_coding"],
        ["G.2", "G", "A;1", "protein_coding"],
    ]
    assert (exons(frame.loc["G.1"]), exons(frame.loc["G.2"])) == ([(0, 20), (40, 90)], [(0, 20)])
    assert (frame.loc["G.1"].cds_start, frame.loc["G.1"].cds_end, frame.loc["G.2"].cds_start) == (3, 30, -1)
    assert drops.rows("kept") == 2


def test_untranslated_regions_serve_as_exons_where_there_are_none(tmp_path):
    text = gff(
        ("gene", 1, 90, "-", "ID=gene:G"),
        ("mRNA", 1, 90, "-", "ID=transcript:T;Parent=gene:G;biotype=coding"),
        ("three_prime_UTR", 1, 20, "-", "Parent=transcript:T"),
        ("CDS", 21, 35, "-", "Parent=transcript:T"),
        ("CDS", 51, 65, "-", "Parent=transcript:T"),
        ("five_prime_UTR", 66, 70, "-", "Parent=transcript:T"),
        ("five_prime_UTR", 81, 90, "-", "Parent=transcript:T"),
    )
    row = read(tmp_path, text)[0].loc["T"]
    assert exons(row) == [(0, 35), (50, 70), (80, 90)]
    assert (row.gene, row.biotype, row.cds_start, row.cds_end) == ("G", "coding", 15, 45)


def test_what_has_no_transcript_or_no_gene_of_its_own(tmp_path):
    text = gff(
        ("gene", 1, 9, "+", "ID=gene-B;gene=B;gene_biotype=protein_coding"),
        ("CDS", 1, 9, "+", "ID=cds-B;Parent=gene-B"),
        ("CDS", 21, 29, "+", "ID=prokka_1"),
        ("exon", 41, 49, "+", "Parent=lost"),
        ("gene", 61, 99, "+", "ID=gene-MIR;gene=MIR1"),
        ("primary_transcript", 61, 99, "+", "ID=rna-P;Parent=gene-MIR"),
        ("exon", 61, 99, "+", "Parent=rna-P"),
        ("miRNA", 71, 79, "+", "ID=rna-M;Parent=rna-P"),
        ("exon", 71, 79, "+", "Parent=rna-M"),
        ("mRNA", 81, 99, "+", "ID=T;Parent=gene:cut;gene_name=CUT"),
        ("exon", 81, 99, "+", "Parent=T"),
        ("tRNA", 101, 120, "+", "ID=bare"),
        ("cDNA_match", 1, 99, "+", "ID=aln;Target=x 1 99 +"),
    )
    frame, drops = read(tmp_path, text)
    assert frame[NAMES].to_numpy().tolist() == [
        ["B", "B", "B", "protein_coding"],
        ["prokka_1", "prokka_1", "", "protein_coding"],
        ["lost", "lost", "", ""],
        ["P", "MIR", "MIR1", "primary_transcript"],
        ["M", "MIR", "MIR1", "miRNA"],
        ["T", "cut", "CUT", "protein_coding"],
    ]
    assert drops.rows("no exon and no CDS row") == 1


def test_a_row_without_parent_and_id_is_named(tmp_path):
    text = gff(("mRNA", 1, 9, "+", "ID=T"), ("exon", 1, 9, "+", "Parent=T"), ("exon", 21, 29, "+", "Note=alone"))
    with pytest.raises(InputError, match=r"a.gff3:4: the attributes have neither Parent nor ID") as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"a.gff3:2: the end lies before the start"):
        read(tmp_path, gff(("exon", 9, 1, "+", "Parent=T")))
    with pytest.raises(InputError, match=r"a.gff3: the annotation has no exon"):
        read(tmp_path, gff(("gene", 1, 9, "+", "ID=G")))
