"""What is planted under the weights comes out as a motif, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from rnamarks.errors import InputError
from rnamarks.interpretation.attention import ATTENDED_COLUMNS
from rnamarks.interpretation.consensus import (
    CONSENSUS_COLUMNS,
    LOGO_COLUMNS,
    MATCH_COLUMNS,
    ConsensusSettings,
    align,
    compare_consensus,
    cut,
    find_consensus,
    mark_of,
)
from rnamarks.interpretation.pwm import PWM
from rnamarks.sequences import UNKNOWN, decode_windows, encode

WINDOW = 41


def plane(words, seed):
    """Words in the plane, fast and without compiling."""
    features = np.eye(5)[words][..., :4].reshape(len(words), -1)
    return PCA(2, random_state=seed).fit_transform(features)


def attended(codes, weights, head="m6A", method="attention"):
    return pd.DataFrame(
        {
            "modification": head,
            "method": method,
            "window": [f"w{at}" for at in range(len(codes))],
            "sequence": decode_windows(codes),
            "logit": np.linspace(4, 1, len(codes)),
            "weights": list(weights.astype(np.float32)),
        }
    )[list(ATTENDED_COLUMNS)]


def plant(word, offset, n=80, seed=0, spread=0):
    """Windows with a word ``offset`` from the site and weights on it."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (n, WINDOW)).astype(np.uint8)
    weights = generator.random((n, WINDOW)) * 0.1
    for at in range(n):
        start = WINDOW // 2 + offset + int(generator.integers(-spread, spread + 1))
        codes[at, start : start + len(word)] = encode(word)
        weights[at, start : start + len(word)] += 1
    return codes, weights


def others(n=100, seed=9):
    return np.random.default_rng(seed).integers(0, 4, (n, WINDOW)).astype(np.uint8)


def test_cut_pads_with_n():
    codes = np.arange(10, dtype=np.uint8)[None] % 4
    assert cut(codes, np.zeros(3, int), np.array([-2, 3, 8]), 4).tolist() == [[4, 4, 0, 1], [3, 0, 1, 2], [0, 1, 4, 4]]


def test_alignment_moves_to_the_centre():
    codes, _ = plant("GGACUC", 0, n=40, seed=1)
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
def test_planted_word_comes_back(spread):
    codes, weights = plant("CGGACUCA", -3, spread=spread)
    table = attended(codes, weights)
    found = find_consensus(table, codes, others(), settings=ConsensusSettings(count=1, eps=0.6), seed=1, embed=plane)
    row = found.table.iloc[0]
    assert tuple(found.table.columns) == CONSENSUS_COLUMNS
    assert "GGACUC" in row["consensus"]
    assert row["auroc"] > 0.95
    assert row["auroc_p"] < 1e-6
    assert row["members"] == found.motifs[0].sites
    assert found.motifs[0].name == "m6A.attention.1"
    assert sum(row[f"background_{base}"] for base in "ACGU") == pytest.approx(1)
    if not spread:
        place = row["consensus"].index("GGACUC")
        assert row["offset"] + place == -2
        assert row["offset_share"] > 0.9
    again = find_consensus(table, codes, others(), settings=ConsensusSettings(count=1, eps=0.6), seed=1, embed=plane)
    assert again.table.equals(found.table)


def test_pseudocounts_are_a_quarter_of_the_root():
    codes, weights = plant("GGACUC", 0, n=64)
    settings = ConsensusSettings(count=1, flank=0, trim=0, reach=0, eps=9.0)
    motif = find_consensus(attended(codes, weights), codes, others(), settings=settings, embed=plane).motifs[0]
    assert motif.width == 6
    assert motif.frequencies[0] == pytest.approx(np.array([2, 2, 66, 2]) / 72)


def test_clusters_are_in_the_order_of_their_weight():
    first, heavy = plant("GGACUC", 4, n=40, seed=2)
    second, light = plant("UUUGAA", -12, n=40, seed=3)
    codes, weights = np.concatenate([first, second]), np.concatenate([2 * heavy, light])
    settings = ConsensusSettings(count=1, reach=0, eps=0.8)
    found = find_consensus(attended(codes, weights), codes, others(), settings=settings, embed=plane)
    assert ["GGACUC" in row for row in found.table["consensus"]] == [True, False]
    assert found.table["mean_weight"].is_monotonic_decreasing
    assert found.table["rank"].tolist() == [1, 2]
    few = find_consensus(
        attended(codes, weights),
        codes,
        others(),
        settings=ConsensusSettings(count=1, reach=0, eps=0.8, most=1),
        embed=plane,
    )
    assert len(few.motifs) == 1
    assert few.table["clusters"].tolist() == [2]


def test_a_mark_without_a_motif_says_why():
    codes, weights = plant("GGACUC", 0, n=3)
    few = find_consensus(attended(codes, weights), codes, others(), embed=plane)
    assert not few.motifs
    assert few.table["reason"].tolist() == ["fewer than 10 subsequences"]
    codes, weights = plant("GGACUC", 0, n=40)
    far = ConsensusSettings(eps=1e-9, members=70)
    none = find_consensus(attended(codes, weights), codes, others(), settings=far, embed=plane)
    assert none.table["reason"].tolist() == ["no cluster of 70 subsequences"]
    assert none.table["unclustered"].tolist() == [80]
    # weights that lower the logit lead to no subsequence
    down = find_consensus(attended(codes, -1 - weights), codes, others(), embed=plane)
    assert down.table["subsequences"].tolist() == [0]


def test_subsequences_with_n_are_left_out():
    codes, weights = plant("GGACUC", 0, n=30)
    codes[:, 21] = UNKNOWN
    found = find_consensus(attended(codes, weights), codes, others(), settings=ConsensusSettings(count=1), embed=plane)
    assert found.table["subsequences"].max() < 30


def test_bad_requests():
    codes, weights = plant("GGACUC", 0, n=20)
    two = pd.concat([attended(codes, weights), attended(codes, weights, "I")])
    with pytest.raises(InputError, match="one mark"):
        find_consensus(two, codes, others())
    with pytest.raises(InputError, match="background"):
        find_consensus(attended(codes, weights), codes, codes[:0])
    for wrong in ({"width": 2}, {"count": 0}, {"eps": 0.0}, {"members": 1}, {"trim": -1.0}):
        with pytest.raises(InputError):
            ConsensusSettings(**wrong)


def sharp(name, word):
    frequencies = np.full((len(word), 4), 0.02)
    frequencies[np.arange(len(word)), encode(word)] = 0.94
    return PWM(name, frequencies)


def test_comparison_knows_a_marks_own_motifs():
    generator = np.random.default_rng(1)
    decoys = [PWM(f"decoy{at}", generator.dirichlet(np.full(4, 0.4), 7)) for at in range(30)]
    consensus = {
        ("m6A", "attention"): [sharp("m6A.attention.1", "UUUUUU"), sharp("m6A.attention.2", "UGGACUAC")],
        ("I", "attention"): [sharp("I.attention.1", "CCUAGCGU")],
        ("Y", "attention"): [],
    }
    own = [("m6A", sharp("m6A.motif1", "UGGACUAC")), ("m6A", sharp("m6A.motif2", "GAGAGAGA"))]
    database = [*own, *(("", decoy) for decoy in decoys)]
    matches, logos = compare_consensus(consensus, {"de novo": database}, method="numpy", warn=lambda line: None)
    assert tuple(matches.columns) == MATCH_COLUMNS
    assert tuple(logos.columns) == LOGO_COLUMNS
    assert len(matches) == 3 * 32
    best = matches[matches["rank"] == 1].iloc[0]
    assert (best["query"], best["target"], best["offset"]) == ("m6A.attention.2", "m6A.motif1", 0)
    assert best["q"] < 1e-4
    # two motifs against two targets of the mark
    assert best["q_mark"] == pytest.approx(4 * best["p"])
    assert matches.loc[~matches["own"], "q_mark"].isna().all()
    shown = logos.groupby(["modification", "role"])["motif"].unique().map(list).to_dict()
    assert shown == {
        ("m6A", "query"): ["m6A.attention.2"],
        ("m6A", "target"): ["m6A.motif1"],
        ("I", "query"): ["I.attention.1"],
    }
    alone, some = compare_consensus(consensus, {"de novo": []}, method="numpy")
    assert alone.empty
    assert set(some["role"]) == {"query"}
    with pytest.raises(InputError, match="one name"):
        compare_consensus(consensus, {"x": [*own, own[0]]}, method="numpy")


def test_the_mark_of_a_motif():
    marks = ["m6A", "I", "Y"]
    uniform = np.full((5, 4), 0.25)
    assert mark_of(PWM("writer_m6A", uniform), marks) == "m6A"
    assert mark_of(PWM("M1", uniform, alternative="Y-writer"), marks) == "Y"
    assert mark_of(PWM("INO80.motif1", uniform), marks) == ""
