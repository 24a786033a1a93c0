"""Planted co-occurrence is found and measured; where there is none, tests reject as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import hypergeom

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.cooccurrence import pair_table, pairs_in_windows
from rnamarks.interpretation.elements import Element, pairs_in_optimised
from rnamarks.interpretation.pair_discovery import cooccurrence_tables, discover_pairs, kmer_presence
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows, encode
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task

WINDOW = 61
A = Element("upstream", "UUUUU", -14, -8)
B = Element("downstream", "UGUAA", 6, 14)


def windows(n: int, seed: int, width: int = WINDOW) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (n, width)).astype(np.uint8)


def plant(codes: np.ndarray, rows: np.ndarray, word: str, first: int, last: int, seed: int) -> None:
    starts = np.random.default_rng(seed).integers(first, last + 1, len(rows)) + codes.shape[1] // 2
    codes[rows[:, None], starts[:, None] + np.arange(len(word))] = encode(word)


def world(kind: str, seed: int = 0, n: int = 1600) -> tuple[np.ndarray, np.ndarray]:
    """Windows, half of them called, with both words in a quarter of each half's windows.

    together: called windows have the two in the same windows, others in different ones, so each word alone says
    nothing. additive: each word, independently, is commoner in called windows. null: neither depends on the call.
    """
    codes, called = windows(n, seed), np.arange(n) % 2 == 0
    random = np.random.default_rng([seed, 1])
    yes, no = np.flatnonzero(called), np.flatnonzero(~called)
    if kind == "together":
        quarter = n // 8
        a = np.concatenate([yes[:quarter], no[:quarter]])
        b = np.concatenate([yes[:quarter], no[quarter : 2 * quarter]])
    else:
        rates = np.where(called, 0.5, 0.25) if kind == "additive" else np.full(n, 0.3)
        a, b = (np.flatnonzero(random.random(n) < rates) for _ in range(2))
    plant(codes, a, "UUUUU", -14, -8, seed)
    plant(codes, b, "UGUAA", 6, 14, seed + 1)
    return codes, called


def test_places_are_counted_from_the_site():
    codes = np.full((4, WINDOW), 4, dtype=np.uint8)
    for row, start in enumerate((-14, -8, -15, -7)):
        codes[row, WINDOW // 2 + start : WINDOW // 2 + start + 5] = encode("UUUUU")
    assert A.present(codes).tolist() == [True, True, False, False]
    one_off = Element("near", "UUUUU", -14, -8, mismatches=1)
    assert one_off.present(codes).tolist() == [True, True, True, True]


def test_soft_scores_are_mean_shares_of_the_best_place():
    shares = np.full((2, 4, WINDOW), 0.25)
    shares[0, :, WINDOW // 2 - 10 : WINDOW // 2 - 5] = np.array([0.1, 0.1, 0.1, 0.7])[:, None]
    assert A.soft_scores(shares) == pytest.approx([0.7, 0.25])


def test_planted_cooccurrence_is_found():
    codes, called = world("together")
    (row,) = pairs_in_windows(codes, called, [A, B]).to_dict("records")
    assert row["p_together"] < 1e-3
    assert row["enrichment_low"] > 0
    assert row["interaction_low"] > 0
    assert row["p_interaction"] < 1e-6
    assert row["odds_given_a_low"] > 0
    assert row["odds_given_b_low"] > 0
    assert row["p_each"] < 1e-3
    # neither word alone is commoner among the called
    assert abs(row["a_called"] - row["a_other"]) < 40


def test_words_that_add_up_come_together_without_interaction():
    codes, called = world("additive", n=4000)
    (row,) = pairs_in_windows(codes, called, [A, B]).to_dict("records")
    assert row["p_together"] < 1e-3
    assert row["odds_given_a_low"] > 0
    assert row["odds_given_b_low"] > 0
    assert row["interaction_low"] < 0 < row["interaction_high"]
    assert row["enrichment"] == pytest.approx(2, abs=0.4)


def test_null_is_rejected_as_often_as_stated():
    rejected, each = {"p_together": 0, "p_interaction": 0}, 0
    for seed in range(200):
        random = np.random.default_rng([seed, 7])
        called = random.random(600) < 0.4
        present = random.random((600, 2)) < (0.4, 0.3)
        strata = random.integers(0, 3, 600)
        table = pair_table(present, called, [(0, 1)], ["a", "b"], strata=strata, permutations=499, seed=seed)
        for name in rejected:
            rejected[name] += table[name][0] < 0.05
        each += table["p_each"][0] < 0.05
    assert each <= 0.05 * 200
    assert all(0.02 <= count / 200 <= 0.08 for count in rejected.values()), rejected


def test_permutation_without_strata_is_the_exact_test():
    random = np.random.default_rng(3)
    present, called = random.random((80, 2)) < 0.5, random.random(80) < 0.5
    table = pair_table(present, called, [(0, 1)], ["a", "b"], permutations=20000)
    both = present.all(axis=1)
    exact = hypergeom(80, both.sum(), called.sum())
    hits = (both & called).sum()
    assert table["p_together"][0] == pytest.approx(exact.sf(hits) + exact.pmf(hits) / 2, abs=0.01)


def test_strata_take_away_what_the_site_explains():
    """Both k-mers are commoner next to one nucleotide of the site, and so are calls; given it they say nothing."""
    random = np.random.default_rng(11)
    codes = windows(3000, 11)
    strong = random.random(3000) < 0.5
    codes[:, 28:33] = encode("GGACU")
    codes[strong, 28:33] = encode("AAACA")
    called = random.random(3000) < np.where(strong, 0.7, 0.3)
    for word, first, last in (("UUUUU", -14, -8), ("UGUAA", 6, 14)):
        rows = np.flatnonzero(random.random(3000) < np.where(strong, 0.6, 0.2))
        plant(codes, rows, word, first, last, 1)
    assert pairs_in_windows(codes, called, [A, B], stratify=False)["p_together"][0] < 1e-3
    assert pairs_in_windows(codes, called, [A, B])["p_together"][0] > 0.05


def test_counts_and_odds_of_a_small_table():
    present = np.array([[1, 1], [1, 1], [1, 0], [0, 1], [0, 0], [1, 1], [1, 0], [0, 1], [0, 0], [0, 0]], dtype=bool)
    called = np.arange(10) < 5
    row = pair_table(present, called, [(0, 1)], ["a", "b"], permutations=99).iloc[0]
    assert (row["both_called"], row["both_other"], row["a_called"], row["b_other"]) == (2, 1, 3, 2)
    given_a = np.log2(2.5 * 1.5 / (1.5 * 1.5))
    without_a = np.log2(1.5 * 2.5 / (1.5 * 1.5))
    assert row["odds_given_a"] == pytest.approx(given_a)
    assert row["interaction"] == pytest.approx(given_a - without_a)
    assert row["enrichment"] == pytest.approx(np.log2(2.5 / 1.5))


def optimised(seed: int, elements=()) -> np.ndarray:
    random = np.random.default_rng(seed)
    pwms = random.dirichlet(np.full(4, 0.5), size=(4, WINDOW)).transpose(0, 2, 1)
    for word, start in elements:
        at = WINDOW // 2 + start + np.arange(len(word))
        pwms[:, :, at] = 0.05
        pwms[:, encode(word), at] = 0.85
    return pwms


@pytest.mark.parametrize("null", ["columns", "rotation"])
def test_elements_of_optimised_windows_are_found_at_their_places(null):
    there = pairs_in_optimised(optimised(0, [("UUUUU", -10), ("UGUAA", 8)]), [A, B], null=null).iloc[0]
    # five turns of 60 keep both words within their ranges
    assert there["p"] <= {"columns": 0.01, "rotation": 0.083}[null]
    assert there["both"] == 4
    assert there["score_low"] > there["null_mean"] + 0.3
    one = pairs_in_optimised(optimised(0, [("UUUUU", -10)]), [A, B], null=null).iloc[0]
    assert one["score"] < 0.8 < there["score"]
    elsewhere = pairs_in_optimised(optimised(0, [("UUUUU", 20), ("UGUAA", -20)]), [A, B], null="rotation").iloc[0]
    assert elsewhere["p"] > 0.05
    assert elsewhere["both"] == 0


@pytest.mark.slow
def test_optimised_windows_of_a_null_are_rejected_as_often_as_stated():
    rejected = sum(
        pairs_in_optimised(optimised(seed), [A, B], permutations=59, seed=seed)["p"][0] <= 0.05 for seed in range(200)
    )
    assert 0.02 <= rejected / 200 <= 0.08


def test_held_columns_stay_in_the_null():
    held = np.zeros(WINDOW, dtype=bool)
    held[:] = True
    table = pairs_in_optimised(optimised(1), [A, B], held=held, permutations=19)
    assert table["p"][0] == 1
    assert list(table.columns) == column_names("optimised_pairs", first="element_a")


def test_kmer_presence_of_a_window():
    codes = encode("ACGUNACGU")[None]
    presence, bins = kmer_presence(codes, 2, 4)
    assert bins == [(-4, -1), (0, 3)]
    found = {(column // 16, column % 16) for column in presence.indices}
    assert found == {(0, 0b0001), (0, 0b0110), (0, 0b1011), (1, 0b0001), (1, 0b0110), (1, 0b1011)}
    near, _ = kmer_presence(encode("ACGUNACGU")[None], 2, 4, 1)
    # within one letter of AC, CG or GU, and never a word with N
    words = [a + b for a in "ACGU" for b in "ACGU" if any((a == x) + (b == y) for x, y in ("AC", "CG", "GU"))]
    expected = {4 * "ACGU".index(a) + "ACGU".index(b) for a, b in words}
    assert {column % 16 for column in near.indices if column < 16} == expected
    repeated, _ = kmer_presence(encode("AAAAAA")[None], 2, 9)
    assert repeated.toarray().max() == 1


def test_discovery_finds_the_planted_pair():
    codes, called = world("additive", n=6000)
    table = discover_pairs(codes, called, width=9, mismatches=0)
    assert list(table.columns) == column_names("cooccurrence", first="element_a") + column_names(
        "cooccurrence_found", first="kmer_a"
    )
    best = table.iloc[0]
    assert best["q_each"] < 0.01
    assert sorted([best["kmer_a"], best["kmer_b"]]) == ["UGUAA", "UUUUU"]
    upstream = "a" if best["kmer_a"] == "UUUUU" else "b"
    assert best[f"first_{upstream}"] <= -8
    assert best[f"last_{upstream}"] >= -14
    assert (table["last_a"] + 4 < table["first_b"]).eq(table["first_a"] < table["first_b"]).all()


def test_discovery_finds_nothing_where_there_is_nothing():
    lowest = []
    for seed in range(10):
        codes = windows(500, seed, 41)
        called = np.random.default_rng([seed, 9]).random(500) < 0.5
        table = discover_pairs(codes, called, k=3, kmers=2, permutations=499, seed=seed)
        lowest.append(table["q_each"].min() if len(table) else 1.0)
    assert sum(q < 0.05 for q in lowest) <= 2


def test_models_and_labels_side_by_side(tmp_path):
    codes, called = world("additive", n=500)
    frame = pd.DataFrame(
        {
            "window": [f"w{at}" for at in range(500)],
            "sequence": decode_windows(codes),
            "label": called.astype(int),
            "paper": np.where(np.arange(500) < 400, "test", "train"),
        }
    )
    write_parquet(frame, tmp_path / "human.split.parquet")
    torch.manual_seed(0)
    hyperparameters = {"filters": [6, 4], "lstm_units": 3}
    model = build_model("deepm6aseq", ["human"], WINDOW, hyperparameters)
    with torch.inference_mode():
        middle = float(model.eval()(torch.from_numpy(codes[:400]), "human").median())

    def tables(shift):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        (bias,) = [name for name in state if name.startswith("heads.human") and state[name].shape == (1,)]
        state[bias] -= shift
        folder = tmp_path / f"m{shift}"
        save_model(folder, [state], ModelConfig("deepm6aseq", [Task("human")], WINDOW, hyperparameters))
        return cooccurrence_tables(
            [("multi", "human", folder)],
            {"human": tmp_path / "human.split.parquet"},
            [A, B],
            scheme="paper",
            permutations=99,
            device="cpu",
        )

    known, found = tables(middle)
    assert known["predictor"].tolist() == ["measured", "multi"]
    assert (known["n_called"] + known["n_other"]).tolist() == [400, 400]
    assert set(found["predictor"]) <= {"measured", "multi"}
    known, found = tables(99.0)
    none = known.set_index("predictor").loc["multi"]
    assert none[["n_called", "n_other"]].tolist() == [0, 400]
    assert none[["element_a", "element_b"]].tolist() == [A.name, B.name]
    assert none[["p_together", "p_each", "enrichment"]].isna().all()
    assert "multi" not in set(found["predictor"])
    with pytest.raises(InputError, match="no window lies in the splits valid"):
        cooccurrence_tables([], {"human": tmp_path / "human.split.parquet"}, [A, B], scheme="paper", splits=["valid"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Element("x", "UNU", 0, 1), "no k-mer of A, C, G, U"),
        (lambda: Element("x", "", 0, 1), "no k-mer"),
        (lambda: Element("x", "ACG", 3, 1), "ends before it begins"),
        (lambda: Element("x", "ACG", 0, 1, mismatches=3), "too many mismatches"),
        (lambda: Element.from_mapping({"name": "x", "kmer": "ACG"}), "name, kmer, first and last"),
        (lambda: Element("x", "ACG", 90, 95).present(windows(2, 0)), "outside windows of 61 nt"),
        (lambda: pairs_in_windows(windows(2, 0), np.array([True, False]), [A]), "at least two elements"),
        (lambda: pairs_in_windows(windows(2, 0), np.array([True, True]), [A, B]), "2 of 2 called"),
        (lambda: pairs_in_optimised(optimised(0), [A, B], null="labels"), "columns, rotation"),
    ],
)
def test_wrong_requests_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
