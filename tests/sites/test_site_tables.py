from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyfaidx import Fasta

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.drops import Drops
from rnamarks.sites.site_tables import bases_at, check_assembly, empty_sites, harmonise_chromosomes, merge_sites

COMPLEMENT = {"A": "U", "C": "G", "G": "C", "T": "A", "N": "N"}


def sites(rows, source="S", support=1, assembly=None):
    frame = pd.DataFrame(
        [[chrom, start, start + 1, strand, "m6A", source, support] for chrom, start, strand in rows],
        columns=column_names("sites"),
    )
    if assembly:
        frame.attrs["assembly"] = assembly
    return frame


@pytest.fixture
def scope():
    return Drops().scope("check", "human", "S")


@pytest.fixture
def genome(tmp_path):
    rng = np.random.default_rng(3)
    texts = {name: "".join(rng.choice(list("ACGT"), size)) for name, size in (("chr1", 9_000), ("chr2", 500))}
    texts["chr2"] = texts["chr2"][:100].lower() + "N" * 10 + texts["chr2"][110:]
    (tmp_path / "genome.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    faidx = Fasta(str(tmp_path / "genome.fa"))
    return texts, lambda chrom, start, end: faidx[chrom][start:end].seq


@pytest.mark.parametrize(
    ("given_name", "genome_names", "expected"),
    [
        ("chr1", ["1", "MT"], "1"),
        ("1", ["chr1", "chrM"], "chr1"),
        ("chrM", ["1", "MT"], "MT"),
        ("MT", ["chr1", "chrM"], "chrM"),
        ("chr4_gl000193_random", ["4", "GL000193.1"], "GL000193.1"),
        ("GL000193.1", ["chr4", "chr4_gl000193_random"], "chr4_gl000193_random"),
        ("chrUn_GL000220v1", ["GL000220.1"], "GL000220.1"),
        ("chrX", ["chrX", "X"], "chrX"),
        ("2L", ["chr2L", "chr2R"], "chr2L"),
    ],
)
def test_names_are_translated(scope, given_name, genome_names, expected):
    frame = harmonise_chromosomes(sites([(given_name, 5, "+")]), genome_names, scope)
    assert frame["chrom"].tolist() == [expected]
    assert scope.drops.frame().empty


def test_unmatched_names_are_counted(scope):
    frame = sites([("1", 5, "+"), ("1", 6, "+"), ("HSCHR6_X", 7, "-")])
    left = harmonise_chromosomes(frame, ["chr1", "chr2"], scope)
    assert left["chrom"].tolist() == ["chr1", "chr1"]
    assert scope.drops.rows("chromosome not in the genome") == 1
    assert frame["chrom"].tolist() == ["1", "1", "HSCHR6_X"]


def test_a_name_that_fits_two_is_not_guessed(scope):
    frame = sites([("MT", 5, "+"), ("chr1", 5, "+")])
    assert harmonise_chromosomes(frame, ["chrM", "M", "chr1"], scope)["chrom"].tolist() == ["chr1"]


def test_mostly_unmatched_is_refused(scope):
    frame = sites([("1", 5, "+"), ("scaffold_1", 6, "+"), ("scaffold_2", 7, "-")])
    with pytest.raises(InputError, match=r"x.bed: only 33% of the rows .*'scaffold_1'.*one assembly and naming"):
        harmonise_chromosomes(frame, ["chr1"], scope, path="x.bed")
    assert harmonise_chromosomes(empty_sites(), ["chr1"], scope).empty


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_bases_at_equals_one_lookup_per_site(data):
    text = data.draw(st.text("ACGTN", min_size=1, max_size=300))
    rows = data.draw(st.lists(st.tuples(st.just("c"), st.integers(0, 9_000), st.sampled_from("+-")), max_size=30))
    frame = sites(rows)
    found = bases_at(frame, lambda chrom, start, end: text[start:end].lower())
    expected = [
        "" if start >= len(text) else COMPLEMENT[text[start]] if strand == "-" else text[start].replace("T", "U")
        for _, start, strand in rows
    ]
    assert found.tolist() == expected


def test_lookups_are_joined_and_bounded():
    asked = []

    def lookup(chrom, start, end):
        asked.append((chrom, start, end))
        return "A" * (end - start)

    near = [("a", start, "+") for start in range(0, 3_000_000, 1_500)]
    bases_at(sites([*near, ("a", 9_000_000, "+"), ("b", 4, "-")]), lookup)
    assert len(asked) == 5
    assert max(end - start for _, start, end in asked) <= 1_000_000


def all_sites_of(texts, base):
    plus, minus = base.replace("U", "T"), COMPLEMENT[base.replace("U", "T")].replace("U", "T")
    return sites(
        (chrom, index, strand)
        for chrom, text in texts.items()
        for index, letter in enumerate(text.upper())
        for strand, wanted in (("+", plus), ("-", minus))
        if letter == wanted
    )


@pytest.mark.parametrize("base", ["A", "C", "G", "U"])
def test_right_assembly_passes_whole(genome, scope, base):
    texts, lookup = genome
    frame = all_sites_of(texts, base)
    pd.testing.assert_frame_equal(check_assembly(frame, lookup, base, scope), frame)
    assert scope.drops.frame()["reason"].tolist() == ["kept"]


def test_few_other_bases_and_sites_off_the_end_are_counted(genome, scope):
    texts, lookup = genome
    good = all_sites_of(texts, "A")
    other = all_sites_of(texts, "C").head(40)
    off = sites([("chr2", 500, "+"), ("chr2", 70_000, "-")])
    left = check_assembly(pd.concat([good, other, off]), lookup, "A", scope)
    assert len(left) == len(good)
    assert scope.drops.rows("base at the site is not A") == 40
    assert scope.drops.rows("off the end of its chromosome") == 2
    assert scope.drops.rows("kept") == len(good)


def test_wrong_assembly_is_refused_with_the_share(genome, scope):
    texts, lookup = genome
    frame = all_sites_of(texts, "A")
    moved = frame.assign(start=(frame["start"] + 137) % 480)
    with pytest.raises(InputError, match=r"sites.bed: only [23]\d% of .* sites have A .*wrong assembly"):
        check_assembly(moved, lookup, "A", scope, path="sites.bed")


def test_one_based_starts_are_recognised(genome, scope):
    texts, lookup = genome
    frame = all_sites_of(texts, "A")
    with pytest.raises(InputError, match=r"100% have it 1 nt to the left: 0- or 1-based"):
        check_assembly(frame.assign(start=frame["start"] + 1), lookup, "A", scope)


def test_unknown_chromosome_in_the_lookup(genome, scope):
    with pytest.raises(InputError, match="harmonise"):
        check_assembly(sites([("chr9", 1, "+")]), genome[1], "A", scope)
    assert check_assembly(empty_sites(), genome[1], "A", scope).empty


def test_merge_counts_distinct_experiments():
    merged = merge_sites(
        [
            sites([("c", 5, "+"), ("c", 9, "+")], "b", 1, "hg19"),
            sites([("c", 5, "+"), ("a", 3, "-")], "a", 4, "hg19"),
            sites([("c", 5, "+")], "b", 2, "hg19"),
        ]
    )
    assert list(merged.columns) == column_names("sites")
    assert merged.attrs["assembly"] == "hg19"
    assert merged[["chrom", "start", "end", "strand", "source", "support"]].values.tolist() == [
        ["a", 3, 4, "-", "a", 4],
        ["c", 5, 6, "+", "a,b", 6],
        ["c", 9, 10, "+", "b", 1],
    ]


def test_merge_of_merged_tables_counts_nothing_twice():
    first, second = sites([("c", 5, "+")], "a", 1), sites([("c", 5, "+")], "b", 1)
    once = merge_sites([first, second])
    again = merge_sites([once, second])
    pd.testing.assert_frame_equal(again, once)
    with_third = merge_sites([once, sites([("c", 5, "+")], "d", 1)])
    assert with_third[["source", "support"]].values.tolist() == [["a,b,d", 3]]


def test_merge_keeps_strands_and_modifications_apart():
    other = sites([("c", 5, "+")]).assign(modification="m1A")
    assert len(merge_sites([sites([("c", 5, "+"), ("c", 5, "-")]), other])) == 3
    assert merge_sites([empty_sites(), empty_sites()]).empty


def test_merge_refuses_two_assemblies():
    with pytest.raises(InputError, match="hg18, hg19"):
        merge_sites([sites([("c", 5, "+")], assembly="hg18"), sites([("c", 5, "+")], assembly="hg19")])


def test_sites_on_a_chromosome_of_another_sequence_are_left_out(scope):
    text = {"chr1": "CAG" * 50, "chrM": "GCA" * 20}
    frame = sites([("chr1", 3 * at + 1, "+") for at in range(40)] + [("chrM", 3 * at + 1, "+") for at in range(10)])

    def lookup(chrom, start, end):
        return text[chrom][start:end]

    kept = check_assembly(frame, lookup, "A", scope)
    assert set(kept["chrom"]) == {"chr1"}
    assert scope.drops.rows("the genome's chrM is another sequence, 0% of 10 sites have A there") == 10
    assert scope.drops.rows("kept") == 40
    few = Drops()
    check_assembly(frame.head(49), lookup, "A", few.scope("check", "human", "S"))
    assert few.rows("base at the site is not A") == 9
