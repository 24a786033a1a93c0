"""What is planted under the weights comes out as a motif, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.consensus import ConsensusSettings, align, cut, find_consensus, group_kmers
from rnamarks.interpretation.motif_matches import DE_NOVO, Database, QuerySet, compare_sets
from rnamarks.interpretation.pwm import PWM
from rnamarks.sequences import UNKNOWN, encode
from rnamarks.tasks import Task

WINDOW = 41


def plane(words, seed):
    """Words in the plane, fast and without compiling."""
    features = np.eye(5)[words][..., :4].reshape(len(words), -1)
    return PCA(2, random_state=seed).fit_transform(features)


def test_cut_pads_with_n():
    codes = np.arange(10, dtype=np.uint8)[None] % 4
    assert cut(codes, np.zeros(3, int), np.array([-2, 3, 8]), 4).tolist() == [[4, 4, 0, 1], [3, 0, 1, 2], [0, 1, 4, 4]]


def test_alignment_moves_to_the_centre(planted):
    codes, _ = planted.plant("GGACUC", 0, n=40, seed=1)
    starts = np.full(40, 20)
    starts[::4] += 2
    starts[1::8] -= 1
    assert (align(codes, np.arange(40), starts, width=6, reach=2) == 20).all()
    assert (align(codes, np.arange(40), starts, width=6, reach=0) == starts).all()
    assert align(codes, np.zeros(0, int), np.zeros(0, int), width=6, reach=2).size == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_alignment_moves_no_farther_than_it_may(seed, reach):
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 5, (12, 20)).astype(np.uint8)
    starts = generator.integers(0, 15, 12)
    moved = align(codes, np.arange(12), starts, width=5, reach=reach)
    assert (np.abs(moved - starts) <= reach).all()


@pytest.mark.parametrize("spread", [0, 3])
def test_planted_word_comes_back(planted, spread):
    codes, weights = planted.plant("CGGACUCA", -3, spread=spread)
    table = planted.attended(codes, weights)
    found = find_consensus(
        table, codes, planted.others(), settings=ConsensusSettings(count=1, eps=0.6), seed=1, embed=plane
    )
    row = found.table.iloc[0]
    assert list(found.table.columns) == column_names("consensus", task_columns=False)
    assert "GGACUC" in row["consensus"]
    assert row["auroc"] > 0.95
    assert row["auroc_p"] < 1e-6
    assert row["members"] == found.motifs[0].sites
    assert found.motifs[0].name == "multi.m6A.attention.1"
    assert sum(row[f"background_{base}"] for base in "ACGU") == pytest.approx(1)
    if not spread:
        place = row["consensus"].index("GGACUC")
        assert row["offset"] + place == -2
        assert row["offset_fraction"] > 0.9
    again = find_consensus(
        table, codes, planted.others(), settings=ConsensusSettings(count=1, eps=0.6), seed=1, embed=plane
    )
    assert again.table.equals(found.table)


def test_pseudocounts_are_a_quarter_of_the_root(planted):
    codes, weights = planted.plant("GGACUC", 0, n=64)
    settings = ConsensusSettings(count=1, flank=0, trim=0, reach=0, eps=9.0)
    motif = find_consensus(
        planted.attended(codes, weights), codes, planted.others(), settings=settings, embed=plane
    ).motifs[0]
    assert motif.width == 6
    assert motif.frequencies[0] == pytest.approx(np.array([2, 2, 66, 2]) / 72)


def test_clusters_are_in_the_order_of_their_weight(planted):
    first, heavy = planted.plant("GGACUC", 4, n=40, seed=2)
    second, light = planted.plant("UUUGAA", -12, n=40, seed=3)
    codes, weights = np.concatenate([first, second]), np.concatenate([2 * heavy, light])
    settings = ConsensusSettings(count=1, reach=0, eps=0.8)
    found = find_consensus(planted.attended(codes, weights), codes, planted.others(), settings=settings, embed=plane)
    assert ["GGACUC" in row for row in found.table["consensus"]] == [True, False]
    assert found.table["mean_weight"].is_monotonic_decreasing
    assert found.table["rank"].tolist() == [1, 2]
    few = find_consensus(
        planted.attended(codes, weights),
        codes,
        planted.others(),
        settings=ConsensusSettings(count=1, reach=0, eps=0.8, maximum=1),
        embed=plane,
    )
    assert len(few.motifs) == 1
    assert few.table["clusters"].tolist() == [2]


def test_kmers_are_grouped_around_the_one_with_most_neighbours():
    words = ["GGACU", "GGACU", "UGUAA", "GGACA", "AGACU", "AGACA", "UGUAA", "CCCCC", "UGUAC"]
    codes = np.stack([encode(word) for word in words])
    # AGACA is two letters from GGACU and left alone
    assert group_kmers(codes, 3).tolist() == [0, 0, 1, 0, 0, -1, 1, -1, 1]
    assert group_kmers(codes, 4).tolist() == [0, 0, -1, 0, 0, -1, -1, -1, -1]
    assert group_kmers(codes, 5).tolist() == [-1] * 9
    assert group_kmers(codes[:0], 2).size == 0
    # N is a letter of its own
    assert group_kmers(np.full((3, 5), UNKNOWN, dtype=np.uint8), 3).tolist() == [0, 0, 0]


def test_grouped_kmers_need_no_plane(planted):
    first, heavy = planted.plant("GGACUC", 4, n=40, seed=2)
    second, light = planted.plant("UUUGAA", -12, n=40, seed=3)
    codes, weights = np.concatenate([first, second]), np.concatenate([2 * heavy, light])
    settings = ConsensusSettings(count=1, reach=0, trim=0, flank=1, clustering="kmers")
    found = find_consensus(planted.attended(codes, weights), codes, planted.others(), settings=settings, embed=None)
    assert [motif.consensus()[1:-1] for motif in found.motifs] == ["GGACUC", "UUUGAA"]
    # the free columns on either side stay
    assert found.table["width"].tolist() == [8, 8]


def test_a_task_without_a_motif_says_why(planted):
    codes, weights = planted.plant("GGACUC", 0, n=3)
    few = find_consensus(planted.attended(codes, weights), codes, planted.others(), embed=plane)
    assert not few.motifs
    assert few.table["reason"].tolist() == ["fewer than 10 subsequences"]
    codes, weights = planted.plant("GGACUC", 0, n=40)
    far = ConsensusSettings(eps=1e-9, members=70)
    none = find_consensus(planted.attended(codes, weights), codes, planted.others(), settings=far, embed=plane)
    assert none.table["reason"].tolist() == ["no cluster of 70 subsequences"]
    assert none.table["unclustered"].tolist() == [80]
    # weights that lower the logit lead to no subsequence
    down = find_consensus(planted.attended(codes, -1 - weights), codes, planted.others(), embed=plane)
    assert down.table["subsequences"].tolist() == [0]


def test_subsequences_with_n_are_left_out(planted):
    codes, weights = planted.plant("GGACUC", 0, n=30)
    codes[:, 21] = UNKNOWN
    found = find_consensus(
        planted.attended(codes, weights), codes, planted.others(), settings=ConsensusSettings(count=1), embed=plane
    )
    assert found.table["subsequences"].max() < 30


def test_bad_requests(planted):
    codes, weights = planted.plant("GGACUC", 0, n=20)
    two = pd.concat([planted.attended(codes, weights), planted.attended(codes, weights, "I")])
    with pytest.raises(InputError, match="one task"):
        find_consensus(two, codes, planted.others())
    with pytest.raises(InputError, match="background"):
        find_consensus(planted.attended(codes, weights), codes, codes[:0])
    for wrong in ({"width": 2}, {"count": 0}, {"eps": 0.0}, {"members": 1}, {"trim": -1.0}, {"clustering": "kmeans"}):
        with pytest.raises(InputError):
            ConsensusSettings(**wrong)


def test_motifs_of_unmodified_windows_are_drawn(planted):
    codes, weights = planted.plant("GGACUC", 0, n=40)
    settings = ConsensusSettings(count=1, reach=0, eps=0.8)
    table = planted.attended(codes, weights)
    options = {"settings": settings, "embed": plane, "drawn_from": planted.others(), "seed": 2}
    found = find_consensus(table, codes, planted.others(), draws=3, **options)
    assert len(found.null) == 3
    assert "GGACUC" in found.motifs[0].consensus()
    assert not any("GGACUC" in motif.consensus() for motifs in found.null for motif in motifs)
    # drawn from the windows themselves, the motif comes back
    again = find_consensus(table, codes, planted.others(), draws=2, **(options | {"drawn_from": codes}))
    assert all("GGACUC" in motifs[0].consensus() for motifs in again.null)
    assert find_consensus(table, codes, planted.others(), **options).null == []


TASKS = [Task(name, modification=name) for name in ("m6A", "I", "Y")]


def test_comparison_knows_a_tasks_own_motifs(planted):
    generator = np.random.default_rng(1)
    decoys = [PWM(f"decoy{at}", generator.dirichlet(np.full(4, 0.4), 7)) for at in range(30)]
    motifs = [
        [planted.sharp("m6A.attention.1", "UUUUUU"), planted.sharp("m6A.attention.2", "UGGACUAC")],
        [planted.sharp("I.attention.1", "CCUAGCGU")],
        [],
    ]
    sets = [QuerySet("multi", task, "attention", mine) for task, mine in zip(TASKS, motifs, strict=True)]
    own = [planted.sharp("motif1", "UGGACUAC"), planted.sharp("motif2", "GAGAGAGA")]
    database = Database.of_discovered([("m6A", own), ("", decoys)])
    found = compare_sets(sets, [database], report=lambda line: None)
    matches, logos = found.matches, found.logos
    assert list(matches.columns) == column_names("motif_matches", task_columns=False)
    assert list(logos.columns) == column_names("motif_logos", task_columns=False)
    assert set(matches["database"]) == {DE_NOVO}
    best = matches[matches["rank"] == 1].set_index("task").loc["m6A"]
    assert (best["query"], best["target"], best["offset"]) == ("m6A.attention.2", "m6A.motif1", 0)
    assert best["q"] < 1e-4
    # two motifs against two targets of the task
    assert best["q_own"] == pytest.approx(4 * best["p"])
    assert matches["own"].sum() == 4
    assert matches.loc[~matches["own"], "q_own"].isna().all()
    assert matches["null_p"].isna().all()
    # a task without targets of its own shows its first motif alone
    shown = logos[logos["rank"] <= 1].groupby(["task", "role"])["motif"].unique().map(list).to_dict()
    assert shown == {
        ("m6A", "query"): ["m6A.attention.2"],
        ("m6A", "target"): ["m6A.motif1"],
        ("I", "query"): ["I.attention.1"],
    }
    said = []
    alone = compare_sets(sets, [Database(DE_NOVO, [])], report=said.append)
    assert alone.matches.empty
    assert set(alone.logos["role"]) == {"query"}
    assert len(said) == 3


def test_motifs_of_a_modification_are_own_in_every_species_and_de_novo_motifs_in_one(planted):
    tasks = [
        Task(f"{modification}_{species}", species=species, modification=modification)
        for modification in ("m6A", "Y")
        for species in ("human", "mouse")
    ]
    sets = [QuerySet("multi", task, "attention", [planted.sharp(f"q.{task.name}", "UGGACUAC")]) for task in tasks]
    decoys = [PWM(f"decoy{at}", np.random.default_rng(at).dirichlet(np.full(4, 0.4), 7)) for at in range(20)]
    known = [planted.sharp("writer_m6A", "UGGACUAC"), *decoys]
    found = {"m6A_human": [planted.sharp("motif1", "UGGACUAC")], "m6A_mouse": [planted.sharp("motif1", "GGACUA")]}
    databases = [
        Database.of_known("writers", known, "", tasks),
        Database.of_known("mouse", decoys, "mouse", tasks),
        Database.of_discovered(found.items()),
    ]
    matches = compare_sets(sets, databases, report=lambda line: None).matches
    own = matches[matches["own"]].groupby(["database", "task"])["target"].unique().map(list).to_dict()
    assert own == {
        ("writers", "m6A_human"): ["writer_m6A"],
        ("writers", "m6A_mouse"): ["writer_m6A"],
        ("de novo", "m6A_human"): ["m6A_human.motif1"],
        ("de novo", "m6A_mouse"): ["m6A_mouse.motif1"],
    }
    assert set(matches.loc[matches["database"] == "mouse", "task"]) == {"m6A_mouse", "Y_mouse"}
    ranked = matches[matches["rank"] == 1].groupby("database")["task"].unique().map(list).to_dict()
    # pseudouridine has no motif of its own among those of tasks, and the nearest among those of none
    assert ranked == {
        "writers": ["m6A_human", "m6A_mouse"],
        "de novo": ["m6A_human", "m6A_mouse"],
        "mouse": ["m6A_mouse", "Y_mouse"],
    }


def test_modification_of_a_motif():
    uniform = np.full((5, 4), 0.25)
    motifs = [PWM("writer_m6A", uniform), PWM("M1", uniform, alternative="Y-writer"), PWM("INO80.motif1", uniform)]
    database = Database.of_known("planted", motifs, "", TASKS)
    assert list(database.tasks.values()) == ["m6A", "Y", ""]
