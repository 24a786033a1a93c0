"""Worlds of modifications hold what was planted, in tables that the readers know; null worlds hold nothing."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rnamarks.errors import InputError
from rnamarks.files import open_text, sha256_of
from rnamarks.interpretation.motif_files import read_motifs
from rnamarks.interpretation.pwm import PWM
from rnamarks.interpretation.tomtom import RELIABLE, compare
from rnamarks.sequences import encode_windows
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.drops import Drops
from rnamarks.sites.labelling import label_sites
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.motifs import find_motif
from rnamarks.sites.readers import READERS
from rnamarks.sites.site_sets import read_site_tables
from rnamarks.sites.species import select_species
from rnamarks.sites.transcripts import build_transcripts
from rnamarks.tables import read_parquet, read_tsv
from rnamarks.tasks import Task
from rnamarks_simulation.files import EXPERIMENTS, TABLES, files_of, tables_of
from rnamarks_simulation.modification_rules import NEAR, RULES, Bases, distance_to, word_score
from rnamarks_simulation.modification_tables import planted_motifs, write_organism
from rnamarks_simulation.modifications import simulate_organism
from rnamarks_simulation.parameters import MixedParameters, OrganismParameters
from rnamarks_simulation.world import simulate, write_world

pytestmark = pytest.mark.slow

NAMES = ["Am", "Cm", "Gm", "I", "Um", "Y", "m1A", "m5C", "m5U", "m6A", "m6Am", "m7G"]
SMALL = OrganismParameters(genes=40, chromosomes=2, site_factor=0.08)

DEMO = OrganismParameters(genes=380, site_factor=0.68)
"""As many sites per gene as the demo has, on fewer genes."""


@pytest.fixture(scope="module")
def sheet(repository):
    return load_modifications(repository / "config" / "modifications.tsv")


@pytest.fixture(scope="module")
def human(register):
    return next(entry for entry in register if entry.species == "human")


@pytest.fixture(scope="module")
def world(human, sheet):
    return simulate_organism(human, sheet, DEMO)


@pytest.fixture(scope="module")
def null_world(human, sheet):
    return simulate_organism(human, sheet, DEMO, null=True)


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("modifications")
    assert [path.relative_to(folder).as_posix() for path in write_organism(world, folder)] == files_of(
        "organism", ["human"]
    )
    return folder


@pytest.fixture(scope="module")
def merged(folder, sheet, tmp_path_factory):
    """The tables of each modification as the workflow reads them, and the counts of what is dropped."""
    workdir = tmp_path_factory.mktemp("index")
    return {
        name: read_site_tables(
            [folder / f"human.{table.file}" for table in tables_of(name)],
            [table.format for table in tables_of(name)],
            [table.name for table in tables_of(name)],
            genome=folder / "human.genome.fa.gz",
            workdir=workdir,
            assembly="hg19",
            modification=sheet[name],
            subject=name,
        )
        for name in NAMES
    }


@pytest.fixture(scope="module")
def windows(folder, merged, sheet, tmp_path_factory):
    """Windows as the workflow cuts them: per modification its sites and unmodified bases of the same transcripts."""
    drops = Drops()
    annotation = read_annotation(folder / "human.annotation.gtf.gz", drops, subject="human")
    genome, workdir = folder / "human.genome.fa.gz", tmp_path_factory.mktemp("transcripts")
    transcripts = build_transcripts(annotation, genome, drops, workdir=workdir, subject="human")
    cut = {}
    for name in NAMES:
        motif, offset = sheet[name].place
        cut[name] = label_sites(
            transcripts,
            merged[name][0],
            drops=Drops(),
            task=Task(
                name, species="human", modification=name, base=sheet[name].base, motif=motif, motif_offset=offset
            ),
            seed=1,
            width=51,
            negatives_per_positive=1,
            negatives_from="modified_transcripts",
        )
    return cut


def test_twelve_modifications_with_distinct_rules(world):
    assert sorted(rule.name for rule in RULES) == sorted(NAMES)
    assert set(world.sites["modification"]) == set(NAMES) == set(EXPERIMENTS)
    assert {table.format for table in TABLES} <= set(READERS.names())
    table, matrices = planted_motifs(world)
    assert len({name for name, _, _ in matrices}) == len(matrices) == 12 + 9
    assert (table.groupby("modification").size() == 2).all()
    for _, _, matrix in matrices:
        assert np.allclose(matrix.sum(axis=1), 1)


def test_modified_bases_have_the_base_and_the_motif(world, sheet):
    transcripts = {entry.transcript: entry for entry in world.layout.representatives()}
    for name, part in world.sites.groupby("modification"):
        motif = sheet[name].motif if sheet[name].motif != "N" else sheet[name].base
        hits = {
            key: set(find_motif(entry.codes, motif, sheet[name].motif_offset)) for key, entry in transcripts.items()
        }
        for row in part.itertuples():
            assert row.start in hits[row.transcript]
            assert transcripts[row.transcript].genome[row.start] == row.genome_start
    assert not world.sites[world.sites["label"] == 1].duplicated(["chrom", "genome_start", "strand"]).any()


def test_there_are_enough_sites_and_false_calls_are_seldom_seen_twice(world):
    table = world.summary
    assert table["reported"].between(150, 700).all()
    assert (table["candidates"] > 20 * table["sites"]).all()
    assert (table["false_calls"] / table["reported"]).between(0.01, 0.2).all()
    several = table[table["modification"].map(EXPERIMENTS) > 1].sum(numeric_only=True)
    fraction_once = several["false_once"] / several["once"]
    fraction_more = (several["false_calls"] - several["false_once"]) / (several["reported"] - several["once"])
    assert fraction_once > 0.15
    assert fraction_more < 0.02
    for name, part in world.sites.groupby("modification"):
        assert part["support"].max() == EXPERIMENTS[name]
        assert ((part["label"] == 1) | (part["support"] > 0)).all()


def test_the_rule_is_learnable_and_composition_does_not_win(world):
    table = world.summary.set_index("modification")
    assert table["bayes_auroc"].between(0.98, 0.9999).all()
    assert table["bayes_auroc_reported"].between(0.85, 0.99).all()
    assert (table["bayes_auroc"] > table["bayes_auroc_reported"]).all()
    assert (table["bayes_auroc"] > table["motif_auroc"]).all()
    assert (table["bayes_auroc_reported"] - table["composition_auroc"] > 0.12).all()
    assert (table["half_motifs"] > 5).all()


def test_nothing_is_left_in_the_null_world(null_world, world):
    table = null_world.summary
    assert table["bayes_auroc"].sub(0.5).abs().mean() < 0.03
    assert table["composition_auroc"].sub(0.5).abs().mean() < 0.05
    near = null_world.pairs
    assert (near["close"] - near["expected"]).abs().max() < 5 * np.sqrt(near["expected"].max() + 1)
    assert np.allclose(table["sites"], world.summary["sites"], atol=80)
    assert null_world.layout.chromosomes == world.layout.chromosomes


def test_pairs_are_close_where_planted_and_only_there(world):
    pairs = world.pairs.set_index("kind")
    assert set(map(tuple, pairs.loc["word", ["first", "second"]].to_numpy())) == {
        ("I", "m1A"),
        ("m5C", "Cm"),
        ("Y", "m5U"),
    }
    near = pairs.loc["near"]
    assert len(near) == 3
    assert (near["close"] > 4 * near["expected"]).all()
    own = world.sites[(world.sites["modification"] == "Y") & (world.sites["label"] == 1)]
    assert (own["partner_distance"] >= 0).sum() == near.set_index("second").loc["Y", "close"]
    word = pairs.loc["word"]
    assert (word["close"] < word["expected"] + 5 * np.sqrt(word["expected"] + 1)).all()


def test_cap_modifications_lie_at_the_five_prime_end(world):
    truth = world.sites[world.sites["label"] == 1]
    median = truth.groupby("modification")["start"].median()
    assert median["m6Am"] < 200
    assert median.drop("m6Am").min() > 600


def test_readers_give_back_what_experiments_saw(folder, merged, world):
    _, metadata = read_parquet(folder / "truth" / "sites.parquet")
    for name in NAMES:
        found, drops = merged[name]
        truth = world.sites[(world.sites["modification"] == name) & (world.sites["support"] > 0)]
        key = ["chrom", "genome_start", "strand"]
        both = found.rename(columns={"start": "genome_start"}).merge(truth, on=key, how="left", suffixes=("", "_true"))
        traps = {table.name: metadata["traps"][f"{name}/{table.name}"] for table in tables_of(name)}
        intergenic = sum(counts["intergenic"] for counts in traps.values())
        assert both["label"].notna().sum() == len(truth)
        assert 0 < both["label"].isna().sum() <= intergenic
        known = both[both["label"].notna()]
        assert (known["support"] == known["support_true"]).all()
        assert drops.rows("chromosome not in the genome") == 3 * len(traps)
        wrong = sum(counts.get("wrong base", 0) for counts in traps.values())
        lost = drops.frame()[drops.frame()["reason"].str.contains("base at the site|in the middle", regex=True)]
        assert lost["rows"].sum() == wrong
        assert drops.rows("duplicate position") == sum(counts.get("duplicate", 0) for counts in traps.values())


def test_windows_of_the_workflow_hold_the_reported_sites(windows, world, sheet):
    for name, part in windows.items():
        truth = world.sites[(world.sites["modification"] == name) & (world.sites["support"] > 0)]
        keys = set(zip(truth["chrom"], truth["genome_start"], truth["strand"], strict=True))
        positive = part[part["label"] == 1]
        found = set(zip(positive["chrom"], positive["genome_start"], positive["strand"], strict=True))
        assert found == keys
        assert (part["label"] == 0).sum() == len(positive)
        assert set(part["sequence"].str[25]) == {sheet[name].base}


def test_letters_around_a_base_tell_on_new_genes_as_far_as_the_rule_allows(windows, world):
    bounds = world.summary.set_index("modification")["bayes_auroc_reported"]
    gaps = []
    for name, part in windows.items():
        letters = encode_windows(part["sequence"])[:, 12:39]
        features = (letters[:, :, None] == np.arange(4)).reshape(len(part), -1)
        test = part["gene"].str[-5:].astype(int) % 3 == 0
        model = LogisticRegression(C=0.1).fit(features[~test], part["label"][~test])
        gaps.append(bounds[name] - roc_auc_score(part["label"][test], model.decision_function(features[test])))
    assert 0 < np.mean(gaps) < 0.15
    assert max(gaps) < 0.25


def test_tomtom_tells_the_twelve_motifs_apart(folder, windows, world):
    database = read_motifs(folder / "human.cisbp_rna.meme.gz").motifs
    planted = read_motifs(folder / "truth" / "motifs.meme", strict=True).motifs
    assert len(database) > RELIABLE
    assert {motif.name for motif in planted} <= {motif.name for motif in database}
    queries = []
    for rule in RULES:
        part = windows[rule.name]
        letters = encode_windows(part.loc[part["label"] == 1, "sequence"])
        queries.append(PWM.from_windows(rule.name, letters[:, 25 - rule.offset :][:, : len(rule.motif)]))
    pairs = compare(queries, database)
    best = pairs.sort_values("p").drop_duplicates("query").set_index("query")
    for rule in RULES:
        assert best.loc[rule.name, "target"] == f"writer_{rule.name}"
        assert best.loc[rule.name, "q"] < 0.01
        assert best.loc[rule.name, "offset"] == 0
    writers = pairs[pairs["target"].str.startswith("writer_")]
    other = writers[writers["target"] != "writer_" + writers["query"]]
    assert (other["q"] > 0.05).all()


def test_words_are_where_they_were_planted(world):
    transcripts = world.layout.representatives()
    bases = Bases.lay(transcripts)
    number = {entry.transcript: at for at, entry in enumerate(transcripts)}
    truth = world.sites[world.sites["label"] == 1]
    for rule in RULES:
        part = truth[truth["modification"] == rule.name]
        places = bases.starts[part["transcript"].map(number)] + part["start"].to_numpy()
        background = bases.starts[0] + np.arange(20_000)
        share = (word_score(bases, places, rule.element) == 1).mean()
        shared = sum(other.element == rule.element for other in RULES) > 1
        assert share > (0.55 if shared else 0.25)
        assert share > 15 * (word_score(bases, background, rule.element) == 1).mean()


def test_words_and_distances_on_a_transcript_that_is_known(world):
    transcript = replace(
        world.layout.representatives()[0], codes=np.array([0, 0, 1, 2, 3, 3, 0, 1, 2, 0], dtype=np.uint8)
    )
    bases = Bases.lay([transcript, transcript])
    first, second = bases.starts
    element = replace(RULES[0].element, word="CGU", first=2, last=3)
    places = np.array([first, first + 3, first + 9])
    # CGU begins at 2; from 3 the word could only begin at 5 or 6, where U A C and A C G lie
    assert word_score(bases, places, element).tolist() == [1.0, 0.0, 0.0]
    assert word_score(bases, places, replace(element, first=3, last=4)).tolist() == [0.0, pytest.approx(1 / 3), 0.0]
    assert distance_to(places, np.array([first + 1, second])).tolist()[:2] == [1, 2]
    assert distance_to(np.array([first + 9]), np.array([second]))[0] > NEAR
    assert distance_to(places, np.zeros(0, dtype=np.int64)).min() > NEAR
    assert bases.owner(np.array([second + 4]))[0].tolist() == [1]
    assert bases.owner(np.array([second + 4]))[1].tolist() == [4]


def test_radar_and_rediportal_are_written_as_published(folder):
    with open_text(folder / "human.radar.I.tsv.gz") as handle:
        lines = handle.read().splitlines()
    assert lines[0].split("\t") == [
        *("chromosome", "position", "gene", "strand", "annot1", "annot2", "alu?", "non_alu_repetitive?"),
        *("conservation_chimp", "conservation_rhesus", "conservation_mouse"),
    ]
    assert {len(line.split("\t")) for line in lines} == {11}
    with open_text(folder / "human.rediportal.I.tsv.gz") as handle:
        pairs = {(row[2] + row[3], row[4]) for row in (line.split("\t") for line in handle.read().splitlines()[1:])}
    assert pairs == {("AG", "+"), ("TC", "-")}


def test_truth_tables_can_be_read(folder, world):
    table, _ = read_tsv(folder / "truth" / "modifications.tsv")
    assert table["modification"].tolist() == [rule.name for rule in RULES]
    motifs, _ = read_tsv(folder / "truth" / "motifs.tsv", dtype={"shared_with": str})
    shared = motifs[motifs["shared_with"].notna()].set_index("modification")["shared_with"]
    assert shared.to_dict() == {"I": "m1A", "m1A": "I", "m5C": "Cm", "Cm": "m5C", "Y": "m5U", "m5U": "Y"}
    sites, metadata = read_parquet(folder / "truth" / "sites.parquet")
    pd.testing.assert_frame_equal(sites, world.sites)
    assert metadata["null"] is False


def test_same_seed_same_bytes(human, sheet, tmp_path):
    first, again, other = (simulate_organism(human, sheet, SMALL, seed=seed) for seed in (3, 3, 4))
    hashes = [
        {path.name: sha256_of(path) for path in write_organism(world, tmp_path / folder)}
        for folder, world in (("first", first), ("again", again))
    ]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == len(files_of("organism", ["human"]))
    assert not first.sites.equals(other.sites)
    assert first.layout.chromosomes != other.layout.chromosomes
    with gzip.open(tmp_path / "first" / "human.genome.fa.gz") as handle:
        assert handle.read(5) == b">chr1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"site_factor": 0.0}, "site_factor"),
        ({"sensitivity": 1.5}, "sensitivity"),
        ({"false_fraction": "much"}, "false_fraction"),
        ({"kappa": 3.0}, "does not evolve"),
        ({"prevalence": 0.1}, "does not evolve"),
        ({"gens": 4}, "gens"),
        ({"genes": 3}, "genes"),
        ({"traps": -1}, "traps"),
    ],
)
def test_parameters_that_cannot_be(given, words):
    with pytest.raises(InputError, match=words):
        OrganismParameters.from_mapping(given)


@pytest.fixture(scope="module")
def mixed(register, tree, sheet, tmp_path_factory):
    """m6A, Y and Um in two species."""
    world = simulate(
        select_species(register, ["human", "mouse"]),
        tree,
        MixedParameters(genes=40, chromosomes=2, site_factor=0.3),
        second_lab_species="mouse",
        modifications={name: sheet[name] for name in ("Y", "Um")},
    )
    folder = tmp_path_factory.mktemp("mixed")
    write_world(world, folder)
    return world, folder


def test_a_clade_may_have_further_modifications(mixed, sheet):
    world, folder = mixed
    expected = files_of("clade", ["human", "mouse"], second_lab="mouse", modifications=["m6A", "Y", "Um"])
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    later = {name for name in expected if name.endswith((".meme.gz", ".gaf.gz", ".obo", "literature.tsv"))}
    later |= set(files_of("clade", ["human"])[5:10]) | {"truth_genes.parquet"}
    assert made == set(expected) - later
    sites, _ = read_parquet(folder / "truth" / "sites.parquet")
    assert set(zip(sites["species"], sites["modification"], strict=True)) == {
        (species, name) for species in ("human", "mouse") for name in ("Y", "Um")
    }
    for one in world.modified:
        assert (one.summary["bayes_auroc"] > 0.97).all()
        assert set(one.sites["gene"]) <= set(world.layouts[one.organism.species].families)
    assert world.truth.groupby("species")["label"].sum().min() > 50


def test_readers_give_back_the_modifications_of_a_clade(mixed, sheet, tmp_path):
    world, folder = mixed
    for one in world.modified:
        name = one.organism.species
        tables = tables_of("Y")
        found, _ = read_site_tables(
            [folder / f"{name}.{table.file}" for table in tables],
            [table.format for table in tables],
            [table.name for table in tables],
            genome=folder / f"{name}.genome.fa.gz",
            workdir=tmp_path,
            assembly=one.organism.assembly,
            modification=sheet["Y"],
            subject=name,
        )
        truth = one.sites[(one.sites["modification"] == "Y") & (one.sites["support"] > 0)]
        both = truth.merge(found.rename(columns={"start": "genome_start"}), on=["chrom", "genome_start", "strand"])
        assert len(both) == len(truth) > 50


def test_same_seed_same_clade_and_the_null_world_keeps_its_genomes(register, tree, sheet):
    species = select_species(register, ["human", "mouse"])
    options = {
        "parameters": MixedParameters(genes=30, chromosomes=2, site_factor=0.2),
        "modifications": {"Y": sheet["Y"]},
    }
    first, again = (simulate(species, tree, **options) for _ in range(2))
    null = simulate(species, tree, null=True, **options)
    for one, same, random in zip(first.modified, again.modified, null.modified, strict=True):
        pd.testing.assert_frame_equal(one.sites, same.sites)
        assert one.layout.chromosomes == random.layout.chromosomes
        assert random.summary["bayes_auroc"].sub(0.5).abs().max() < 0.2


def test_worlds_that_cannot_be(human, sheet):
    with pytest.raises(InputError, match="too few slots for"):
        simulate_organism(human, sheet, OrganismParameters(genes=60, site_factor=3.0))
    lacking = {name: entry for name, entry in sheet.items() if name != "m7G"}
    with pytest.raises(InputError, match="m7G"):
        simulate_organism(human, lacking, SMALL)
