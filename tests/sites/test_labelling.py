"""Positive and negative windows."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.drops import Drops
from rnamarks.sites.labelling import label_sites, listed_positions
from rnamarks.sites.modifications import IUPAC
from rnamarks.sites.orthologues import read_orthologues
from rnamarks.tables import read_tsv, write_tsv
from rnamarks.tasks import Task

COMPLEMENT = str.maketrans("ACGU", "UGCA")


def transcript(name, chrom, strand, starts, ends, genome, cds=(-1, -1), gene="g"):
    text = "".join(genome[chrom][start:end] for start, end in zip(starts, ends, strict=True))
    return {
        "transcript": name,
        "gene": gene,
        "gene_name": "",
        "biotype": "",
        "chrom": chrom,
        "strand": strand,
        "exon_starts": np.array(starts),
        "exon_ends": np.array(ends),
        "cds_start": cds[0],
        "cds_end": cds[1],
        "sequence": text if strand == "+" else text[::-1].translate(COMPLEMENT),
    }


def test_lists_without_sites_name_no_position(tmp_path):
    transcripts = pd.DataFrame([transcript("t", "chr1", "+", [0], [10], {"chr1": "GGACUGGACU"})])
    write_tsv(site_rows(), tmp_path / "empty.tsv")
    empty, _ = read_tsv(tmp_path / "empty.tsv")
    assert listed_positions(transcripts, [empty], "DRACH", 2) == {}
    found = listed_positions(transcripts, [empty, site_rows(("1", 7, "+"))], "DRACH", 2)
    assert {name: at.tolist() for name, at in found.items()} == {"t": [7]}
    assert listed_positions(transcripts[:0], [empty], "DRACH", 2) == {}


def site_rows(*positions, source="lab", support=1):
    return pd.DataFrame(
        [(chrom, start, start + 1, strand, "m6A", source, support) for chrom, start, strand in positions],
        columns=["chrom", "start", "end", "strand", "modification", "source", "support"],
    )


@pytest.fixture(scope="module")
def world():
    """Forty genes of three isoforms on two chromosomes and both strands, on random sequence."""
    rng = np.random.default_rng(11)
    genome = {chrom: "".join(rng.choice(list("ACGU"), 8000)) for chrom in ("chr1", "chr2")}
    rows = []
    for number in range(40):
        chrom, strand = f"chr{1 + number % 2}", "+-"[number // 2 % 2]
        at = 400 * (number // 2) + 20
        starts, ends = [at, at + 100, at + 250], [at + 80, at + 200, at + 350]
        gene = f"gene{number}"
        rows.append(transcript(f"t{number}.b", chrom, strand, starts, ends, genome, (10, 40), gene))
        rows.append(transcript(f"t{number}.a", chrom, strand, starts, ends, genome, (10, 40), gene))
        rows.append(transcript(f"t{number}.c", chrom, strand, starts[:2], ends[:2], genome, (10, 100), gene))
        rows.append(transcript(f"t{number}.d", chrom, strand, [at], [at + 380], genome, (-1, -1), gene))
    return pd.DataFrame(rows)


def candidates(transcripts, motif="DRACH", offset=2):
    """(chrom, strand, start) to the (transcript, position) that the rule keeps, written out one by one."""
    best = {}
    for row in transcripts.itertuples():
        places = [
            position
            for start, end in zip(row.exon_starts, row.exon_ends, strict=True)
            for position in range(start, end)
        ]
        places = places if row.strand == "+" else places[::-1]
        rank = (-(row.cds_end - row.cds_start), -len(row.sequence), row.transcript)
        for at in range(len(row.sequence) - len(motif) + 1):
            word = row.sequence[at : at + len(motif)]
            if all(base in IUPAC[letter] for base, letter in zip(word, motif, strict=True)):
                key = (row.chrom, row.strand, places[at + offset])
                shown = (rank, row.transcript, at + offset)
                best[key] = min(best.get(key, shown), shown)
    return {key: value[1:] for key, value in best.items()}


def label(transcripts, sites, drops=None, motif="DRACH", offset=2, **options):
    task = Task("made", species="yak", modification="m6A", base=motif[offset], motif=motif, motif_offset=offset)
    return label_sites(transcripts, sites, drops=drops or Drops(), task=task, **{"seed": 3, "width": 21, **options})


def some_sites(world, n=30, seed=0):
    keys = sorted(candidates(world))
    rng = np.random.default_rng(seed)
    return [
        (chrom, start, strand) for chrom, strand, start in (keys[i] for i in rng.choice(len(keys), n, replace=False))
    ]


def test_the_windows_equal_a_search_through_everything(world):
    expected = candidates(world)
    wanted = some_sites(world)
    drops = Drops()
    frame = label(world, site_rows(*wanted, support=4), drops, negatives_per_positive=10_000)
    assert list(frame.columns) == column_names("windows")
    found = {
        (row.chrom, row.strand, row.genome_start): (row.transcript, row.start) for row in frame.itertuples(index=False)
    }
    assert found == expected
    assert len(frame) == len(expected)
    positive = frame[frame["label"] == 1]
    assert set(zip(positive["chrom"], positive["genome_start"], positive["strand"], strict=True)) == set(wanted)
    assert set(positive["support"]) == {4}
    assert set(frame.loc[frame["label"] == 0, "support"]) == {0}
    assert frame["window"].is_unique
    texts = world.set_index("transcript")
    for row in frame.itertuples(index=False):
        padded = "N" * 10 + texts.loc[row.transcript, "sequence"] + "N" * 10
        assert row.sequence == padded[row.start : row.start + 21]
        start, end = texts.loc[row.transcript, ["cds_start", "cds_end"]]
        region = "utr5" if row.start < start else "cds" if row.start < end else "utr3"
        assert row.region == (region if start >= 0 else "noncoding")
    assert drops.rows("kept", stage="positives") == 30
    assert drops.rows("kept", stage="negatives") == len(expected) - 30
    assert drops.rows("note: other isoforms of a kept site") > 30


def test_why_sites_are_dropped(world):
    expected = candidates(world)
    taken = {key[::2] for key in expected}
    first = world.iloc[3]
    assert first["strand"] == "+"
    inside = range(int(first["exon_starts"][0]), int(first["exon_ends"][0]))
    bases = dict(zip(inside, first["sequence"], strict=True))
    not_a = next(at for at in inside if bases[at] != "A")
    not_motif = next(at for at in inside if bases[at] == "A" and ("chr1", at) not in taken)
    good = some_sites(world, 10)
    sites = pd.concat(
        [
            site_rows(*good),
            site_rows(good[0], source="again", support=3),
            site_rows(("chr1", not_a, "+"), ("chr1", not_motif, "+"), source="other"),
            site_rows(("chr1", 5, "+"), ("chr1", not_motif, "."), ("chr1", 10**9, "+"), source="off"),
            site_rows(("chr9", 5, "+"), source="off"),
        ]
    )
    drops = Drops()
    frame = label(world, sites, drops)
    table = drops.frame().set_index(["stage", "source", "reason"])["rows"]
    assert table["positives", "other", "base at the site is not A"] == 1
    assert table["positives", "other", "not in DRACH"] == 1
    assert table["positives", "off", "not on a transcript"] == 3
    assert table["positives", "off", "chromosome without transcripts"] == 1
    assert table["positives", "lab", "position listed twice"] == 1
    assert table["positives", "lab", "kept"] == 9
    assert table["positives", "again", "kept"] == 1
    of_sites = drops.frame()
    of_sites = of_sites[(of_sites["stage"] == "positives") & ~of_sites["reason"].str.startswith("note: ")]
    assert of_sites["rows"].sum() == len(sites)
    assert sorted(frame.loc[frame["label"] == 1, "support"]) == [1] * 9 + [3]


def test_a_site_in_the_motif_on_one_isoform_only(world):
    """The motif can span a junction, so a site is kept on an isoform that has it, whatever the order."""
    genome = {"c": "GGACCCCGGACUUUU"}
    rows = pd.DataFrame(
        [
            transcript("long", "c", "+", [0], [15], genome, (0, 15)),
            transcript("spliced", "c", "+", [0, 13], [4, 15], genome, (0, 3)),
            transcript("cut", "c", "+", [2], [15], genome, (0, 12)),
        ]
    )
    genome_site = site_rows(("c", 2, "+"))
    frame = label(rows, genome_site)
    assert frame.loc[frame["label"] == 1, "transcript"].tolist() == ["long"]
    frame = label(rows.iloc[[1, 2]], genome_site)
    assert frame.loc[frame["label"] == 1, ["transcript", "start"]].to_numpy().tolist() == [["spliced", 2]]


def test_negatives_are_ten_to_one_seeded_and_in_no_list(world):
    wanted = some_sites(world, 8)
    listed = [key for key in candidates(world) if (key[0], key[2], key[1]) not in wanted][::2]
    veto = pd.DataFrame(listed, columns=["chrom", "strand", "start"])
    drops = Drops()
    frame = label(
        world, site_rows(*wanted), drops, veto=[veto[:10], veto[10:].assign(chrom=lambda x: x["chrom"].str[3:])]
    )
    negative = frame[frame["label"] == 0]
    assert len(negative) == 80
    assert not set(zip(negative["chrom"], negative["strand"], negative["genome_start"], strict=True)) & set(listed)
    assert drops.rows("called modified by another list") == len(listed)
    shuffled = world.sample(frac=1, random_state=1)
    again = label(shuffled, site_rows(*wanted[::-1]), veto=[veto])
    pd.testing.assert_frame_equal(frame, again)
    other = label(world, site_rows(*wanted), veto=[veto], seed=4)
    assert set(other["window"]) != set(frame["window"])


def test_negatives_of_modified_transcripts_only(world):
    wanted = some_sites(world, 3)
    frame = label(world, site_rows(*wanted), negatives_per_positive=10_000, negatives_from="modified_transcripts")
    carriers = set()
    for row in world.itertuples():
        hits = candidates(world[world["transcript"] == row.transcript])
        if any((chrom, start, strand) in wanted for chrom, strand, start in hits):
            carriers.add(row.transcript)
    assert set(frame["transcript"]) <= carriers
    expected = candidates(world[world["transcript"].isin(carriers)])
    assert set(zip(frame["chrom"], frame["strand"], frame["genome_start"], strict=True)) == set(expected)


def test_the_motif_can_be_the_base_alone(world):
    expected = candidates(world, "A", 0)
    (chrom, strand, start), *_ = sorted(expected)
    frame = label(world, site_rows((chrom, start, strand)), motif="A", offset=0, negatives_per_positive=20)
    assert len(frame) == 21
    assert {text[10] for text in frame["sequence"]} == {"A"}


@pytest.mark.parametrize("rename", [lambda name: name[3:], lambda name: name])
def test_chr_or_not(world, rename):
    wanted = some_sites(world, 5)
    frame = label(world, site_rows(*((rename(chrom), start, strand) for chrom, start, strand in wanted)))
    assert set(frame["chrom"]) <= {"chr1", "chr2"}
    assert frame["label"].sum() == 5


def test_too_few_negatives_are_all_taken_with_a_warning(world, caplog):
    with caplog.at_level(logging.WARNING):
        frame = label(world, site_rows(*some_sites(world, 30)), negatives_per_positive=500)
    assert (frame["label"] == 0).sum() == len(candidates(world)) - 30
    assert "negatives were wanted" in caplog.text


def test_a_species_without_negatives(world):
    keys = [(chrom, start, strand) for chrom, strand, start in candidates(world)]
    with pytest.raises(InputError, match="made: no DRACH on the transcripts is left as a negative"):
        label(world, site_rows(*keys))


def test_sites_of_another_assembly(world):
    rng = np.random.default_rng(2)
    places = sorted(set(zip(rng.choice(["chr1", "chr2"], 400), rng.integers(0, 8000, 400).tolist(), strict=True)))
    sites = site_rows(*((str(chrom), start, "+") for chrom, start in places))
    with pytest.raises(InputError, match=r"only \d+% of \d+ sites on transcripts lie on A"):
        label(world, sites)
    assert label(world, sites, minimum_on_base=0)["label"].sum() > 0


@pytest.mark.parametrize(
    ("sites", "says"),
    [
        (site_rows(("scaffold9", 5, "+")), "no chromosome in common"),
        (site_rows(("chr1", 5, "+")), "none of 1 sites lies in DRACH"),
        (site_rows(("chr1", -2, "+")), "before the start of its chromosome"),
        (site_rows(), "the table of sites is empty"),
    ],
)
def test_sites_that_cannot_be_used(world, sites, says):
    with pytest.raises(InputError, match=says):
        label(world, sites)


@pytest.mark.parametrize(
    "options",
    [{"width": 20}, {"negatives_per_positive": 0.5}, {"isoforms": "one"}, {"negatives_from": "gene"}, {"motif": "DR1"}],
)
def test_options_that_cannot_be_used(world, options):
    with pytest.raises(InputError):
        label(world, site_rows(*some_sites(world, 2)), **options)


def test_orthogroups(world, tmp_path):
    path = tmp_path / "groups.tsv"
    path.write_text("orthogroup\tspecies\tgene\nOG1\tmade\tgene0\nOG9\tother\tgene1\nOG2\tmade\tgene2\n")
    groups = read_orthologues(path, "made")
    frame = label(world, site_rows(*some_sites(world)), orthologues=groups)
    expected = {"gene0": "OG1", "gene2": "OG2"}
    assert frame["orthogroup"].tolist() == [expected.get(gene, "") for gene in frame["gene"]]
    assert (frame["orthogroup"] != "").any()
    with pytest.raises(InputError, match="no gene of the species"):
        read_orthologues(path, "absent")
    path.write_text("orthogroup\tspecies\tgene\nOG1\tmade\tgene0\nOG2\tmade\tgene0\n")
    with pytest.raises(InputError, match="a gene is in two orthogroups"):
        read_orthologues(path, "made")
    with pytest.raises(InputError, match="no gene of the windows"):
        label(world, site_rows(*some_sites(world)), orthologues=pd.DataFrame({"gene": ["x"], "orthogroup": ["y"]}))


def test_ensembl_versions_do_not_matter(world):
    versioned = world.assign(gene="ENSG00000000003.14")
    groups = pd.DataFrame({"gene": ["ENSG00000000003"], "orthogroup": ["OG1"]})
    frame = label(versioned, site_rows(*some_sites(world)), orthologues=groups)
    assert set(frame["orthogroup"]) == {"OG1"}
