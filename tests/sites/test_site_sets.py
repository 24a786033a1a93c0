"""Site tables of one task meet their genome and each other."""

from __future__ import annotations

import gzip

import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.site_sets import read_site_tables

# A at 3, 7, 11, ... on the plus strand and at 2, 6, 10, ... on the minus strand
GENOME = ">chr1 the first\n" + "CGTACGTACG\nTACGTACGTA\n" * 3 + ">chrM\n" + "cgta" * 4 + "\n"
BED = [("chr1", 3, "+"), ("chr1", 7, "+"), ("chr1", 2, "-"), ("chrM", 11, "+"), ("chr1", 15, "+")]
PLAIN = [("1", 3, "+", "m6A", 2), ("1", 11, "+", "m6A", 1), ("MT", 11, "+", "m6A", 4)]


@pytest.fixture
def read(tmp_path, repository):
    modification = load_modifications(repository / "config" / "modifications.tsv")["m6A"]

    def read(*tables, genome=GENOME, assembly="hg19"):
        fasta = tmp_path / "genome.fa"
        fasta.write_bytes(genome if isinstance(genome, bytes) else genome.encode())
        paths = []
        for name, _, text in tables:
            paths.append(tmp_path / name)
            paths[-1].write_text(text)
        return read_site_tables(
            paths,
            [form for _, form, _ in tables],
            [name.partition(".")[0] for name, _, _ in tables],
            genome=fasta,
            workdir=tmp_path / "work",
            assembly=assembly,
            modification=modification,
            subject="yak",
        )

    return read


def bed(name, *sites):
    rows = [f"{chrom}\t{start}\t{start + 1}\tx\t0\t{strand}\n" for chrom, start, strand in sites]
    return name, "bed", "".join(rows)


def plain(name, *sites, assembly="hg19"):
    rows = [
        f"{chrom}\t{start}\t{start + 1}\t{strand}\t{modification}\t\t{support}\n"
        for chrom, start, strand, modification, support in sites
    ]
    return name, "sites", f"#assembly={assembly}\n" + "\t".join(column_names("sites")) + "\n" + "".join(rows)


def counts(drops):
    return {tuple(row[:-1]): row[-1] for row in drops.frame().drop(columns="subject").to_numpy().tolist()}


@pytest.mark.parametrize("packed", [False, True])
def test_two_sources_with_two_namings_become_one_table(read, packed):
    genome = gzip.compress(GENOME.encode()) if packed else GENOME
    sites, drops = read(bed("one.bed", *BED), plain("two.tsv", *PLAIN), genome=genome)
    assert list(sites.columns) == column_names("sites")
    assert sites.attrs["assembly"] == "hg19"
    assert sites[["chrom", "start", "strand", "source", "support"]].to_numpy().tolist() == [
        ["chr1", 2, "-", "one", 1],
        ["chr1", 3, "+", "one,two", 3],
        ["chr1", 7, "+", "one", 1],
        ["chr1", 11, "+", "two", 1],
        ["chr1", 15, "+", "one", 1],
        ["chrM", 11, "+", "one,two", 5],
    ]
    assert counts(drops) == {
        ("read", "one", "kept"): 5,
        ("genome", "one", "kept"): 5,
        ("read", "two", "kept"): 3,
        ("genome", "two", "kept"): 3,
    }


def test_the_names_of_the_genome_are_the_ones_used(read):
    sites, _ = read(bed("one.bed", *BED), plain("two.tsv", *PLAIN), genome=GENOME.replace(">chr", ">"))
    assert sites["chrom"].tolist() == ["1"] * 5 + ["M"]


def test_what_is_dropped_is_counted_by_stage_and_source(read):
    peak = "chr1\t3\t9\tx\t0\t+\n"
    first = bed("one.bed", *BED, ("chr1", 3, "+"), ("chrUn", 3, "+"), ("chr1", 4, "+"), ("chr1", 3, "-"))
    second = plain("two.tsv", *PLAIN, ("1", 5, "+", "m5C", 1), ("1", 60, "+", "m6A", 1))
    sites, drops = read((*first[:2], first[2] + peak), second)
    assert len(sites) == 6
    assert counts(drops) == {
        ("read", "one", "wider than one nucleotide (peak)"): 1,
        ("read", "one", "duplicate position"): 1,
        ("read", "one", "kept"): 8,
        ("genome", "one", "chromosome not in the genome"): 1,
        ("genome", "one", "base at the site is not A"): 2,
        ("genome", "one", "kept"): 5,
        ("read", "two", "another modification"): 1,
        ("read", "two", "kept"): 4,
        ("genome", "two", "off the end of its chromosome"): 1,
        ("genome", "two", "kept"): 3,
    }
    assert set(drops.frame()["subject"]) == {"yak"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (plain("two.tsv", *PLAIN, assembly="hg38"), r"two.tsv:1: .*#assembly=hg19 \(found 'hg38'\)"),
        (bed("sites_hg38.bed", *BED), r"another assembly than hg19 \(found 'hg38'\)"),
        (bed("two.bed", *((c, s + 1, strand) for c, s, strand in BED if strand == "+")), "1 nt to the left: 0- or 1-"),
        (bed("two.bed", *((c, s + 2, strand) for c, s, strand in BED)), "only 0% of 5 sites have A .*wrong assembly"),
        (bed("two.bed", *(("scaffold7", s, strand) for _, s, strand in BED)), "only 0% of the rows .*'scaffold7'"),
    ],
    ids=["stated in the file", "stated in the name", "another origin", "other bases", "other chromosomes"],
)
def test_a_table_of_another_assembly_is_refused(read, table, said):
    with pytest.raises(InputError, match=said) as caught:
        read(bed("one.bed", *BED), table)
    assert table[0] in str(caught.value)
