"""The truth about genes is what their sites say, and orthologues are alike in it."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks_simulation.annotation import candidates
from rnamarks_simulation.truth import GENE_COLUMNS, gene_truth, standardise, stream


@pytest.fixture(scope="module")
def genes(world):
    return gene_truth(world)


def test_every_gene_once_with_the_figures_of_its_fullest_transcript(genes, world):
    assert list(genes.columns) == GENE_COLUMNS
    for name, layout in world.layouts.items():
        part = genes[genes["species"] == name].set_index("gene")
        assert part.index.is_unique
        assert set(part.index) == set(layout.families)
        for transcript in layout.transcripts:
            row = part.loc[transcript.gene]
            assert row["length"] >= transcript.codes.size
            assert row["cds_length"] >= (transcript.coding[1] - transcript.coding[0] if transcript.coding else 0)
        for transcript in layout.representatives()[:5]:
            row = part.loc[transcript.gene]
            own = world.truth[(world.truth["species"] == name) & (world.truth["transcript"] == transcript.transcript)]
            assert row["transcript"] == transcript.transcript
            assert row["capacity"] == pytest.approx((1 / (1 + np.exp(-own["logit"]))).mean())
            assert row["methylated"] == own["label"].sum()
            assert row["gc"] == pytest.approx(np.mean([code in (1, 2) for code in transcript.codes]))
    found = candidates(world.layouts["human"])
    fullest = {entry.transcript for entry in world.layouts["human"].representatives()}
    expected = sum(transcript.transcript in fullest for transcript in found.transcripts)
    assert genes.loc[genes["species"] == "human", "sites"].sum() == expected


def test_half_of_the_coding_genes_are_high_and_the_conserved_are_high_everywhere(genes):
    coding = genes[genes["biotype"] == "protein_coding"]
    assert coding.groupby("species")["high"].mean().between(0.48, 0.5).all()
    assert not genes.loc[genes["biotype"] != "protein_coding", "high"].any()
    conserved = genes[genes["conserved"]]
    assert conserved["high"].all()
    assert (conserved.groupby("orthogroup")["species"].nunique() == 7).all()
    high = genes[genes["high"]].groupby("orthogroup")["species"].nunique()
    assert set(high.index[high == 7]) == set(conserved["orthogroup"])


def test_more_orthogroups_are_high_in_all_species_than_by_chance(genes):
    coding = genes[genes["biotype"] == "protein_coding"]
    table = coding.groupby(["orthogroup", "species"])["capacity"].mean().unstack().dropna()
    high = (table > table.median()).to_numpy()
    rng = np.random.default_rng(0)
    by_chance = [rng.permuted(high, axis=0).all(axis=1).sum() for _ in range(500)]
    assert high.all(axis=1).sum() >= 8
    assert np.quantile(by_chance, 0.999) < high.all(axis=1).sum()


def test_orthologues_of_close_species_have_like_capacities(genes):
    coding = genes[genes["biotype"] == "protein_coding"]
    table = coding.groupby(["orthogroup", "species"])["capacity"].mean().unstack().dropna()
    ranks = table.corr("spearman")
    assert ranks.loc["human", "chimp"] > 0.8
    assert ranks.loc["human", "chimp"] > ranks.loc["human", "macaque"] > ranks.loc["human", "pig"] > 0.1


def test_standardised_values():
    assert standardise([1.0, 3.0]) == pytest.approx([-1, 1])
    assert standardise([1.0, 3.0, np.nan]) == pytest.approx([-1, 1, 0])
    assert list(standardise([2.0, 2.0])) == [0, 0]
    assert standardise([]).size == 0


def test_streams_differ_by_name_and_repeat(world):
    first, again, other = (stream(world, *names).random(3) for names in (("a", "b"), ("a", "b"), ("a", "c")))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
