"""Shared capacity against permutations, models against each other, conserved genes with their support."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.conservation import (
    categories,
    compare_capacity,
    compare_species,
    count_conserved,
    join_orthologues,
    list_conserved,
    permute_counts,
    read_support,
    species_with_high,
)
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError


def table(rows):
    """Capacity from (species, predictor, gene, capacity, high)."""
    frame = pd.DataFrame(rows, columns=["species", "predictor", "gene", "capacity", "high"])
    return frame.assign(gene_name=frame["gene"].str.upper(), rank=frame["capacity"])


def by_hand():
    """Two species, one predictor; group 3 has two human genes, group 4 lacks a mouse gene."""
    capacity = table(
        [
            ("human", "m", "h1", 0.9, True),
            ("human", "m", "h2", 0.8, True),
            ("human", "m", "h3a", 0.1, False),
            ("human", "m", "h3b", 0.7, True),
            ("human", "m", "h4", 0.7, True),
            ("mouse", "m", "m1", 0.9, True),
            ("mouse", "m", "m2", 0.2, False),
            ("mouse", "m", "m3", 0.6, True),
        ]
    )
    groups = {"human": {"h1": "1", "h2": "2", "h3a": "3", "h3b": "3", "h4": "4"}}
    groups |= {"mouse": {"m1": "1", "m2": "2", "m3": "3", "m4": "4"}, "rat": {"r1": "1"}}
    orthologues = pd.DataFrame(
        [(name, gene, group) for name, genes in groups.items() for gene, group in genes.items()],
        columns=["species", "gene", "orthogroup"],
    )
    return capacity, orthologues


def test_groups_are_complete_and_the_highest_paralogue_speaks():
    capacity, orthologues = by_hand()
    members = join_orthologues(capacity, orthologues)
    assert members["gene"].tolist() == ["h1", "m1", "h2", "m2", "h3a", "h3b", "m3"]
    assert species_with_high(members).to_dict() == {"1": 2, "2": 1, "3": 2}
    turned = join_orthologues(capacity, orthologues, species=["mouse", "human"])
    assert turned["species"].iloc[0] == "mouse"


def test_groups_must_have_a_capacity_by_every_predictor():
    capacity, orthologues = by_hand()
    other = capacity[capacity["gene"] != "m2"].assign(predictor="s")
    members = join_orthologues(pd.concat([capacity, other]), orthologues)
    assert members["orthogroup"].unique().tolist() == ["1", "3"]


def test_faults_of_the_orthologues():
    capacity, orthologues = by_hand()
    with pytest.raises(InputError, match=r"orthologues lack a species.*'mouse'"):
        join_orthologues(capacity, orthologues[orthologues["species"] == "human"])
    with pytest.raises(InputError, match=r"species has no capacity.*'rat'"):
        join_orthologues(capacity, orthologues, species=["human", "rat"])
    renamed = orthologues.assign(gene="X" + orthologues["gene"])
    with pytest.raises(InputError, match=r"only 0 of 5 genes of human in the orthologues matched"):
        join_orthologues(capacity, renamed)
    nothing = join_orthologues(capacity, renamed, minimum=0)
    assert len(nothing) == 0
    counts, differences = count_conserved(nothing)
    assert (len(counts), len(differences)) == (0, 0)


def test_counts_by_hand():
    counts, differences = count_conserved(join_orthologues(*by_hand()), permutations=2000, resamples=100)
    assert list(counts.columns) == column_names("conservation")[1:]
    assert list(differences.columns) == column_names("conservation_differences")[1:]
    assert len(differences) == 0
    row = counts.iloc[0]
    assert (row["n_species"], row["orthogroups"], row["observed"]) == (2, 3, 2)
    # three of four human genes are high: group 3 is always high, 1 and 2 in 3 of 4 deals; of the three mouse genes two
    # are; so 2/3 + 2 * 3/4 * 2/3 groups are high in both
    assert row["null_mean"] == pytest.approx(5 / 3, abs=0.05)
    assert row["fold"] == pytest.approx(2 / row["null_mean"])


def test_permutations_keep_the_margins():
    members = join_orthologues(*by_hand())
    tallies = permute_counts(members, permutations=500, random=np.random.default_rng(1))
    assert tallies.shape == (500, 3)
    assert (tallies.sum(axis=1) == 3).all()
    assert (tallies @ [0, 1, 2] >= 4).all(), "at least two groups are high in either species"


def test_planted_conservation_is_found_and_the_models_differ(made):
    capacity, orthologues = made.capacity(groups=200, shared=(("multi", 0.9), ("single", 0.4)))
    counts, differences = count_conserved(join_orthologues(capacity, orthologues), permutations=300, resamples=500)
    found = counts.set_index(["predictor", "n_species"])
    for predictor in ("multi", "single"):
        row = found.loc[(predictor, 7)]
        assert row["p"] < 0.01
        assert row["null_high"] < row["low"] < row["observed"] < row["high"]
    row = differences.set_index("n_species").loc[7]
    assert row["predictor_a"] == "multi"
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["p"] < 0.05
    assert row["difference"] == row["observed_a"] - row["observed_b"]


@pytest.mark.slow
def test_error_rate_without_conservation():
    members = pd.DataFrame(
        [(f"{group:03d}", name, tip) for group in range(150) for name in ("multi", "single") for tip in "abc"],
        columns=["orthogroup", "predictor", "species"],
    )
    rejected, differing = {2: 0, 3: 0}, 0
    for seed in range(200):
        high = np.random.default_rng([seed, 9]).random(len(members)) < 0.5
        counts, differences = count_conserved(members.assign(high=high), permutations=200, resamples=200, seed=seed)
        mine = counts.set_index(["predictor", "n_species"])["p"]
        for k in rejected:
            rejected[k] += mine[("multi", k)] <= 0.05
        differing += differences.set_index("n_species").at[2, "p"] <= 0.05
    assert 4 <= rejected[2] <= 16
    assert 4 <= rejected[3] <= 16
    assert 4 <= differing <= 16


def test_same_seed_same_counts(made):
    members = join_orthologues(*made.capacity(groups=40))
    first, second, other = (count_conserved(members, permutations=50, resamples=50, seed=seed)[0] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first.equals(other)


def test_one_species_has_nothing_to_share(made):
    capacity, orthologues = made.capacity(groups=20, species=("human",))
    members = join_orthologues(capacity, orthologues)
    counts, differences = count_conserved(members)
    conserved, genes = list_conserved(members)
    assert [len(frame) for frame in (counts, differences, conserved, genes, compare_species(members))] == [0] * 5
    assert list(counts.columns) == column_names("conservation")[1:]
    assert list(conserved.columns) == column_names("conserved_genes")[1:]
    assert list(genes.columns) == column_names("conserved_capacity")[1:]


def test_species_agree_as_planted(made):
    capacity, orthologues = made.capacity(groups=200, shared=(("multi", 0.8), ("none", 0.0)), species=made.seven[:3])
    apart = pd.DataFrame([[0, 1, 5], [1, 0, 5], [5, 5, 0]], index=made.seven[:3], columns=made.seven[:3], dtype=float)
    pairs = compare_species(join_orthologues(capacity, orthologues), apart)
    assert list(pairs.columns) == column_names("capacity_similarity")[1:]
    assert pairs["distance"].tolist() == [1, 5, 5] * 2
    assert (pairs.loc[pairs["predictor"] == "multi", "low"] > 0.5).all()
    none = pairs[pairs["predictor"] == "none"]
    assert (none["spearman"].abs() < 0.25).all()
    assert compare_species(join_orthologues(capacity, orthologues))["distance"].isna().all()


def test_conserved_genes_and_their_categories():
    capacity, orthologues = by_hand()
    other = capacity.assign(predictor="s")
    other.loc[other["gene"].isin(["m1", "h4"]), "high"] = False
    other.loc[other["gene"] == "m2", "high"] = True
    support = pd.DataFrame(
        [("H3A", "binds", "one"), ("m1", "", "two"), ("M1", "knock-out", "three"), ("h4", "none", "four")],
        columns=["gene", "support", "reference"],
    )
    both = pd.concat([capacity, other], ignore_index=True)
    members = join_orthologues(both, orthologues)
    conserved, genes = list_conserved(members, support, capacity=both)
    assert list(conserved.columns) == column_names("conserved_genes")[1:]
    assert list(genes.columns) == column_names("conserved_capacity")[1:]
    found = conserved.set_index("orthogroup")
    assert found["category"].to_dict() == {"3": "both", "1": "m only", "2": "s only"}
    assert found["name"].tolist() == ["H3B", "H1", "H2"]
    assert found.at["3", "genes"] == "human:H3B, mouse:M3"
    assert found.at["1", "mean_rank"] == pytest.approx(0.9)
    assert found["support"].to_dict() == {"3": "binds", "1": "knock-out", "2": ""}
    assert found["reference"].to_dict() == {"3": "one", "1": "two; three", "2": ""}
    assert len(genes) == 3 * 2 * 2
    row = genes.set_index(["orthogroup", "predictor", "species"]).loc[("3", "m", "human")]
    assert (row["gene"], row["genes"], row["capacity"]) == ("h3b", 2, 0.7)


def test_support_of_genes_that_nobody_knows():
    capacity, orthologues = by_hand()
    members = join_orthologues(capacity, orthologues)
    support = pd.DataFrame(
        [("7157", "a", "b"), ("672", "a", "b"), ("H1", "a", "b")], columns=["gene", "support", "reference"]
    )
    with pytest.raises(InputError, match="only 1 of 3 genes of the literature table matched"):
        list_conserved(members, support, path="literature.tsv")
    conserved, _ = list_conserved(members, support, minimum=0)
    assert conserved.set_index("orthogroup").at["1", "support"] == "a"


def test_categories_of_any_number_of_models():
    assert categories(["m"]) == ["m"]
    assert categories(["m", "s"]) == ["both", "m only", "s only"]
    assert categories(["a", "b", "c"])[:4] == ["all", "a only", "b only", "c only"]
    assert set(categories(["a", "b", "c"])[4:]) == {"a and b only", "a and c only", "b and c only"}


def test_support_is_read_whatever_wrote_it(tmp_path):
    path = tmp_path / "literature.tsv"
    path.write_bytes("\ufeff# mine\r\ngene\tsupport\treference\r\nTUBB2A\tBioGRID\tPMID 1\r\nHla-a\tstudy\r\n".encode())
    table = read_support(path)
    assert table["gene"].tolist() == ["TUBB2A", "Hla-a"]
    assert table["reference"].tolist() == ["PMID 1", ""]
    path.write_text("gene\tsupport\treference\nA\tx\ty\n\tx\ty\n")
    with pytest.raises(InputError, match=r"literature\.tsv:3: the row has no gene"):
        read_support(path)
    path.write_text("gene\tnote\nA\tx\n")
    with pytest.raises(InputError, match="lacks support, reference"):
        read_support(path)


def two_modifications(made, species=("human", "mouse", "rat")):
    """m6A in all species by two predictors, Y in two of them, with its own capacities."""
    m6a, orthologues = made.capacity(groups=60, species=species, seed=1)
    other, _ = made.capacity(groups=60, species=species, seed=2)
    other = other[other["species"] != species[2]].assign(modification="Y", task=lambda frame: frame["species"] + "_Y")
    strange = m6a[m6a["species"] == species[0]].assign(transcripts="isolate")
    return m6a, other, strange, orthologues


def test_each_modification_is_compared_by_itself(made, caplog):
    m6a, other, strange, orthologues = two_modifications(made)
    options = {"species": ["human", "mouse", "rat"], "permutations": 50, "resamples": 50}
    both = compare_capacity(pd.concat([m6a, other, strange], ignore_index=True), orthologues, **options)
    for modification, rows in (("m6A", m6a), ("Y", other)):
        alone = compare_capacity(rows, orthologues, **options)
        for name, frame in both.items():
            part = frame[frame["modification"] == modification].reset_index(drop=True)
            pd.testing.assert_frame_equal(part, alone[name], check_dtype=False)
    counts = both["counts"].groupby("modification")["n_species"].max()
    assert counts.to_dict() == {"m6A": 3, "Y": 2}
    assert list(both["genes"].columns) == column_names("conserved_capacity")
    assert set(both["genes"].loc[both["genes"]["modification"] == "Y", "species"]) <= {"human", "mouse"}


def test_what_cannot_be_compared_is_left_out(made, caplog):
    _, other, _, orthologues = two_modifications(made)
    lone = other[other["species"] == "human"]
    partial = other[(other["species"] == "human") | (other["predictor"] == "multi")]
    options = {"species": ["human", "mouse", "rat"], "permutations": 9, "resamples": 9}
    with caplog.at_level("INFO", logger="rnamarks.biology.conservation"):
        found = compare_capacity(lone, orthologues, **options)
    assert all(frame.empty for frame in found.values())
    assert list(found["counts"].columns) == column_names("conservation")
    assert "Y: human by multi, single" in caplog.text
    assert set(compare_capacity(partial, orthologues, **options)["counts"]["predictor"]) == {"multi"}
    twice = pd.concat([other, other.assign(task=other["task"] + "_again", capacity=0.0)], ignore_index=True)
    first = compare_capacity(twice, orthologues, **options)["counts"]
    pd.testing.assert_frame_equal(first, compare_capacity(other, orthologues, **options)["counts"])
