"""The demo world holds what was planted, in files that stand up to their formats; the null world holds nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rnamarks.errors import InputError
from rnamarks.files import open_text, sha256_of
from rnamarks.sequences import encode, read_records
from rnamarks.sites.species import select_species
from rnamarks.tables import read_parquet, read_tsv
from rnamarks.training.tree import distances
from rnamarks_simulation.formats import RMBASE_COLUMNS
from rnamarks_simulation.genes import STOP_CODONS
from rnamarks_simulation.parameters import WorldParameters
from rnamarks_simulation.rule import SHARED, TERMS, raw_terms
from rnamarks_simulation.world import orthologues, simulate, summarise, write_world

pytestmark = pytest.mark.slow

NAMES = ["human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish"]
SMALL = WorldParameters(genes=12, chromosomes=2)
COMPLEMENT = str.maketrans("ACGUN", "UGCAN")
STOPS = {"UAA", "UAG", "UGA"}


@pytest.fixture(scope="module")
def null_world(register, tree):
    return simulate(select_species(register, NAMES), tree, seed=1, null=True, second_lab_species="mouse")


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_world(world, folder)
    return folder


def read_gtf(path):
    """Transcripts by id: chromosome, strand, and spans (0-based half-open, 5' to 3') and frames by feature."""
    transcripts = {}
    with open_text(path) as handle:
        for line in handle:
            if line.startswith("#"):
                continue
            chrom, _, feature, start, end, _, strand, frame, text = line.rstrip("\n").split("\t")
            attributes = dict(re.findall(r'(\w+) "([^"]*)";', text))
            if feature == "gene":
                continue
            entry = transcripts.setdefault(
                attributes["transcript_id"],
                {"chrom": chrom, "strand": strand, "gene": attributes["gene_id"], "name": attributes["gene_name"]},
            )
            entry.setdefault(feature, []).append((int(start) - 1, int(end), frame))
    return transcripts


def spliced(genome, entry, feature):
    text = ""
    for start, end, _ in entry.get(feature, []):
        piece = genome[entry["chrom"]][start:end]
        text += piece if entry["strand"] == "+" else piece.translate(COMPLEMENT)[::-1]
    return text


def load(folder, species):
    genome = {record.header: record.sequence for record in read_records(folder / f"{species}.genome.fa.gz")}
    return genome, read_gtf(folder / f"{species}.annotation.gtf.gz")


@pytest.mark.parametrize("species", ["human", "rat", "zebrafish"])
def test_annotation_fits_the_genome(folder, world, species):
    genome, transcripts = load(folder, species)
    strands, isoforms, coding = set(), defaultdict(int), 0
    for entry in transcripts.values():
        strands.add(entry["strand"])
        isoforms[entry["gene"]] += 1
        exons = entry["exon"]
        for (start, end, _), (next_start, next_end, _) in pairwise(exons):
            low, high = (end, next_start) if entry["strand"] == "+" else (next_end, start)
            intron = genome[entry["chrom"]][low:high]
            intron = intron if entry["strand"] == "+" else intron.translate(COMPLEMENT)[::-1]
            assert intron[:2] + intron[-2:] == "GUAG"
        if "CDS" not in entry:
            assert set(entry) & {"start_codon", "stop_codon", "five_prime_utr", "three_prime_utr"} == set()
            continue
        coding += 1
        cds = spliced(genome, entry, "CDS")
        codons = [cds[at : at + 3] for at in range(0, len(cds), 3)]
        assert len(cds) % 3 == 0
        assert codons[0] == "AUG" == spliced(genome, entry, "start_codon")
        assert not STOPS & set(codons)
        assert spliced(genome, entry, "stop_codon") in STOPS
        parts = [spliced(genome, entry, name) for name in ("five_prime_utr", "CDS", "stop_codon", "three_prime_utr")]
        assert "".join(parts) == spliced(genome, entry, "exon")
        read = 0
        for start, end, frame in entry["CDS"]:
            assert int(frame) == -read % 3
            read += end - start
    assert strands == {"+", "-"}
    assert coding >= 100
    assert 1 < len(transcripts) / len(isoforms) < 1.6
    for transcript in world.layouts[species].transcripts:
        assert np.array_equal(encode(spliced(genome, transcripts[transcript.transcript], "exon")), transcript.codes)


def test_genome_text_has_masked_parts_gaps_and_short_lines(folder):
    with open_text(folder / "human.genome.fa.gz") as handle:
        lines = handle.read().splitlines()
    text = "".join(line for line in lines if not line.startswith(">"))
    assert [line for line in lines if line.startswith(">")] == [">chr1", ">chr2", ">chr3"]
    assert max(map(len, lines)) == 60
    assert 0.02 < np.mean([letter.islower() for letter in text]) < 0.3
    assert text.startswith("N" * 50)


def coding_sequences(folder, species):
    genome, transcripts = load(folder, species)
    found = {}
    for entry in transcripts.values():
        if "CDS" in entry:
            found.setdefault(entry["name"], (spliced(genome, entry, "CDS"), spliced(genome, entry, "exon")))
    return found


def test_divergence_grows_with_distance_on_the_tree_and_coding_sequence_keeps_its_protein(folder, tree, register):
    far = distances(tree, {entry.species: entry.tree_name for entry in select_species(register, NAMES)})
    human = coding_sequences(folder, "human")
    changed, third = {}, {}
    for species in NAMES[1:]:
        other = coding_sequences(folder, species)
        same = [name for name in human if name in other]
        a = encode("".join(human[name][0] for name in same))
        b = encode("".join(other[name][0] for name in same))
        changed[species] = np.mean(a != b)
        third[species] = np.mean((a != b)[2::3]) / np.mean((a != b)[0::3])
        assert len(same) > 95
    ranks = spearmanr([far["human"][name] for name in changed], list(changed.values())).statistic
    assert ranks > 0.9
    assert 0.002 < changed["chimp"] < 0.03
    assert changed["chimp"] < changed["macaque"] < changed["mouse"] < changed["zebrafish"] < 0.6
    assert min(third.values()) > 2


def test_untranslated_parts_differ_in_length_between_far_species(folder):
    human, fish = coding_sequences(folder, "human"), coding_sequences(folder, "zebrafish")
    same = [name for name in human if name in fish]
    assert np.mean([len(human[name][1]) != len(fish[name][1]) for name in same]) > 0.8


def test_every_species_has_enough_positives_and_ten_negatives_for_each(world):
    table = summarise(world.truth).set_index("species")
    assert table.loc[NAMES, "positives"].between(300, 600).all()
    assert table.loc[NAMES, "prevalence"].between(0.06, 1 / 11).all()


def test_the_rule_is_learnable_and_the_five_letters_alone_are_not_enough(world):
    table = summarise(world.truth).set_index("species")
    assert table.loc[NAMES, "rule_auroc"].between(0.85, 0.92).all()
    assert 0.66 < table.loc["all", "fivemer_auroc"] < 0.74
    assert (table.loc[NAMES, "rule_auroc"] - table.loc[NAMES, "fivemer_auroc"] > 0.12).all()


def test_nothing_can_be_learnt_in_the_null_world(null_world, world):
    table = summarise(null_world.truth).set_index("species")
    assert table.loc["all", ["rule_auroc", "fivemer_auroc"]].sub(0.5).abs().max() < 0.03
    assert table.loc[NAMES, "rule_auroc"].between(0.42, 0.58).all()
    same = ["species", "chrom", "genome_start", "strand", "logit"]
    pd.testing.assert_frame_equal(null_world.truth[same], world.truth[same])
    assert null_world.truth.groupby("species")["label"].sum().equals(world.truth.groupby("species")["label"].sum())


def test_sites_gather_at_the_stop_codon(world, null_world):
    def distance_gap(any_world):
        ends = {
            transcript.transcript: transcript.coding[1]
            for layout in any_world.layouts.values()
            for transcript in layout.transcripts
            if transcript.coding
        }
        truth = any_world.truth[any_world.truth["transcript"].isin(list(ends))]
        near = (truth["start"] - truth["transcript"].map(ends)).abs() < 150
        return near[truth["label"] == 1].mean() / near[truth["label"] == 0].mean()

    assert distance_gap(world) > 1.4
    assert 0.85 < distance_gap(null_world) < 1.15


def test_close_relatives_share_labels_beyond_what_the_rule_explains(world):
    def agreement(other):
        offsets = {
            transcript.transcript: transcript.coding[0]
            for layout in world.layouts.values()
            for transcript in layout.transcripts
            if transcript.coding
        }
        truth = world.truth[world.truth["region"] == "cds"]
        # coding sequence has no insertions: orthologous places lie equally far from the start codon
        truth = truth.assign(place=truth["start"] - truth["transcript"].map(offsets))
        first, second = truth[truth["species"] == "human"], truth[truth["species"] == other]
        both = first.merge(second, on=["gene_name", "place"])
        return np.corrcoef(both["label_x"], both["label_y"])[0, 1]

    chimp, mouse, fish = agreement("chimp"), agreement("mouse"), agreement("zebrafish")
    assert chimp > 0.5
    assert chimp > mouse > fish - 0.05
    assert fish < 0.35


def read_rmbase(folder, species):
    with open_text(folder / f"{species}.rmbase.tsv.gz") as handle:
        lines = handle.read().splitlines()
    assert [line.startswith("##") for line in lines[:7]] == [True] * 6 + [False]
    assert lines[6].startswith("# ")
    assert "\t" not in lines[6]
    assert lines[6][2:].split() == RMBASE_COLUMNS
    rows = pd.DataFrame([line.split("\t") for line in lines[7:]], columns=RMBASE_COLUMNS)
    return rows.astype({"modStart": int, "modEnd": int, "supportNum": int})


@pytest.mark.parametrize("species", ["human", "mouse", "zebrafish"])
def test_tables_hold_the_methylated_sites_and_the_stated_traps(folder, species):
    truth, metadata = read_parquet(folder / "truth.parquet")
    truth = truth[truth["species"] == species]
    rows = read_rmbase(folder, species)
    genome, _ = load(folder, species)
    key = ["chromosome", "modStart", "strand"]
    traps = metadata["traps"][species]
    assert (~rows["chromosome"].isin(list(genome))).sum() == traps["unknown contig"] == 3
    rows = rows[rows["chromosome"].isin(list(genome))]
    assert rows.duplicated(key).sum() == traps["duplicate"] == 3
    assert (rows["modEnd"] - rows["modStart"] == 1).all()
    centre = [
        genome[chrom][at] if strand == "+" else genome[chrom][at].translate(COMPLEMENT)
        for chrom, at, strand in rows[key].itertuples(index=False)
    ]
    assert [sequence[20].replace("T", "U") for sequence in rows["sequence"]] == centre
    assert sum(letter != "A" for letter in centre) == traps["not A"] == 3
    rows = rows[[letter == "A" for letter in centre]]
    assert (rows["region"] == "intergenic").sum() == traps["intergenic"] == 3
    found = set(rows.loc[rows["region"] != "intergenic", key].itertuples(index=False, name=None))
    assert [len(names.split(",")) for names in rows["supportList"]] == list(rows["supportNum"])
    if species == "mouse":
        with open_text(folder / "mouse.miclip.bed.gz") as handle:
            bed = [line.rstrip("\n").split("\t") for line in handle]
        second = {(chrom, int(start), strand) for chrom, start, _, _, _, strand in bed}
        assert 0.4 < len(found & second) / len(found | second) < 0.8
        assert second - found
        assert found - second
        found |= second
    positive = truth[truth["label"] == 1]
    assert found == set(zip(positive["chrom"], positive["genome_start"], positive["strand"], strict=True))


def test_truth_lists_every_drach_once(folder):
    truth, _ = read_parquet(folder / "truth.parquet")
    for species in ("human", "zebrafish"):
        genome, transcripts = load(folder, species)
        expected = set()
        for entry in transcripts.values():
            text = spliced(genome, entry, "exon")
            places = np.concatenate(
                [np.arange(start, end)[:: 1 if entry["strand"] == "+" else -1] for start, end, _ in entry["exon"]]
            )
            expected |= {
                (entry["chrom"], int(places[match.start() + 2]), entry["strand"])
                for match in re.finditer("(?=[AGU][AG]AC[ACU])", text)
            }
        part = truth[truth["species"] == species]
        rows = list(zip(part["chrom"], part["genome_start"], part["strand"], strict=True))
        assert len(rows) == len(set(rows))
        assert set(rows) == expected


def test_orthologues_list_every_gene_and_hold_losses_and_paralogues(folder, world):
    table, _ = read_tsv(folder / "orthologues.tsv", ["orthogroup", "species", "gene"])
    pd.testing.assert_frame_equal(table, orthologues(world))
    assert table["gene"].is_unique
    for species in ("human", "zebrafish"):
        _, transcripts = load(folder, species)
        genes = {entry["gene"] for entry in transcripts.values()}
        assert set(table.loc[table["species"] == species, "gene"]) == genes
    counts = table.groupby(["orthogroup", "species"]).size().unstack(fill_value=0)[NAMES]
    assert 0.7 < (counts == 1).all(axis=1).mean() < 1
    assert (counts == 0).any(axis=None)
    assert (counts > 1).any(axis=None)


# of the content before any file was added to these: a world with the same seed stays the same for ever
CONTENT = {
    False: "221926aef7c2d3c019e31b14ca07cf28089aa77beeb24040cdb4cb1eba4011d5",
    True: "1e123b21607584593cb60e57d7c574a9fc5034bd9e11b34218f577f9fc188910",
}


def content(path):
    """What is in a file, free of how a version of zlib or pyarrow packs it."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        frame, metadata = read_parquet(path)
        return (frame.round(6).to_csv(index=False) + json.dumps(metadata, sort_keys=True)).encode()
    return path.read_bytes()


@pytest.mark.parametrize("null", [False, True])
def test_a_world_of_an_earlier_version_comes_out_the_same(register, tree, tmp_path, null):
    made = simulate(
        select_species(register, ["human", "mouse", "zebrafish"]),
        tree,
        SMALL,
        seed=7,
        null=null,
        second_lab_species="mouse",
    )
    write_world(made, tmp_path)
    digest = hashlib.sha256()
    for path in sorted(tmp_path.iterdir()):
        digest.update(path.name.encode())
        digest.update(content(path))
    assert digest.hexdigest() == CONTENT[null]


def hashes(folder):
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def test_same_seed_same_bytes_and_the_null_world_has_the_same_genomes(register, tree, tmp_path):
    species = select_species(register, ["human", "mouse", "zebrafish"])
    for name, seed, null in [("a", 7, False), ("b", 7, False), ("null", 7, True), ("other", 8, False)]:
        made = simulate(species, tree, SMALL, seed=seed, null=null, second_lab_species="mouse")
        assert sorted(path.name for path in write_world(made, tmp_path / name)) == list(hashes(tmp_path / name))
    a, b, null, other = (hashes(tmp_path / name) for name in ("a", "b", "null", "other"))
    assert a == b
    assert {name for name in a if a[name] != null[name]} == {
        "human.rmbase.tsv.gz",
        "mouse.miclip.bed.gz",
        "mouse.rmbase.tsv.gz",
        "truth.parquet",
        "zebrafish.rmbase.tsv.gz",
    }
    assert {name for name in a if a[name] == other[name]} == set()


def test_the_order_of_the_species_does_not_matter(register, tree):
    names = ["human", "mouse", "pig"]
    first = simulate(select_species(register, names), tree, SMALL, seed=3)
    second = simulate(select_species(register, names[::-1]), tree, SMALL, seed=3)
    for name in names:
        assert first.layouts[name].chromosomes == second.layouts[name].chromosomes
        left, right = (made.truth[made.truth["species"] == name].reset_index(drop=True) for made in (first, second))
        pd.testing.assert_frame_equal(left, right)


def test_one_species_alone_and_a_plant_among_animals(register, tree):
    alone = simulate(select_species(register, ["arabidopsis"]), tree, SMALL, seed=2)
    assert summarise(alone.truth)["positives"].min() > 5
    pair = simulate(select_species(register, ["human", "arabidopsis"]), tree, SMALL, seed=2)
    assert set(pair.layouts) == {"human", "arabidopsis"}


def test_ensembl_chromosome_names_can_be_asked_for(register, tree, tmp_path):
    parameters = WorldParameters.from_mapping({"genes": 12, "chromosomes": 2, "chr_prefix": False})
    write_world(simulate(select_species(register, ["human"]), tree, parameters, seed=2), tmp_path)
    assert {entry["chrom"] for entry in read_gtf(tmp_path / "human.annotation.gtf.gz").values()} == {"1", "2"}


def test_terms_of_the_rule_on_a_transcript_made_by_hand():
    upstream, downstream = SHARED
    text = list("G" * 120)
    text[48:53] = "GGACU"
    text[50 + upstream.last : 50 + upstream.last + 5] = upstream.word
    text[50 + downstream.first : 50 + downstream.first + 5] = downstream.word
    codes = encode("".join(text))
    positions = np.array([50])
    terms = dict(zip(TERMS, raw_terms(codes, positions, 80)[0], strict=True))
    assert terms["letters"] == pytest.approx(2.6)
    assert terms["upstream_u"] == terms["downstream_ugua"] == 5
    assert terms["stop"] == pytest.approx(np.exp(-30 / 150))
    assert np.isnan(raw_terms(codes, positions, -1)[0, TERMS.index("stop")])
    assert raw_terms(encode("GGACU"), np.array([2]), -1)[0, 1] == 0


def test_stop_codon_numbers_are_the_stop_codons():
    assert {"".join("ACGU"[number // base % 4] for base in (16, 4, 1)) for number in STOP_CODONS} == STOPS


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"gens": 10}, "no such parameter"),
        ({"genes": 3}, "cannot have this genes"),
        ({"genes": "many"}, "a whole number"),
        ({"exons": [5, 2]}, "is no span"),
        ({"exons": 3}, "two whole numbers"),
        ({"prevalence": 0.9}, "prevalence"),
        ({"chr_prefix": 1}, "true or false"),
    ],
)
def test_bad_parameters_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        WorldParameters.from_mapping(given)


def test_a_second_lab_needs_a_simulated_species(register, tree):
    with pytest.raises(InputError, match="choose from human"):
        simulate(select_species(register, ["human"]), tree, SMALL, second_lab_species="mouse")
