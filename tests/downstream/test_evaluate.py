"""Baselines find what was planted, and metrics and intervals are what they are said to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, r2_score, roc_auc_score

from rnamarks.downstream.baselines import DOWNSTREAM_BASELINES, fit_baseline
from rnamarks.downstream.evaluate import METRICS, evaluate, score_pairs
from rnamarks.downstream.predictions import predictions_table
from rnamarks.errors import InputError
from rnamarks.structure.pairs import pairs_of, partners_of, read_brackets

FOLD = np.array(["train"] * 400 + ["valid"] * 100 + ["test"] * 200, dtype=object)


def sequences(seed: int, n: int = 700, length: int = 40) -> list[str]:
    letters = np.random.default_rng(seed).choice(list("ACGU"), (n, length))
    return ["".join(row) for row in letters]


def examples(column: str, answers, texts) -> pd.DataFrame:
    frame = pd.DataFrame({"example": [f"e{i:03}" for i in range(len(texts))], "sequence": texts, "family": ""})
    return frame.assign(**{column: answers, "fold_x": FOLD[: len(texts)]})


def keys(predictor: str, target: str, seed: int = 0) -> dict:
    return {"downstream": "d", "target": target, "fold": "x", "predictor": predictor, "seed": seed}


def means(table: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    chosen = table[(table["split"] == split) & (table["seed"] == "mean")]
    return chosen.pivot(index="predictor", columns="metric", values="value")


def test_values_are_explained_by_what_they_depend_on():
    texts = sequences(1)
    noise = np.random.default_rng(2).normal(size=len(texts))
    count = np.array([text.count("AC") for text in texts], float)
    table = examples("value", count + 0.3 * noise, texts)
    names = ("constant", "composition", "kmer_ridge", "one_hot", "nearest")
    runs = [(keys(name, "value"), fit_baseline(name, table, "x", "value")) for name in names]
    metrics, differences = evaluate(runs, 200)
    r2 = means(metrics)["r2"]
    assert r2["constant"] == pytest.approx(0, abs=0.05)
    assert r2["kmer_ridge"] > 0.8 > r2["composition"] > 0.1
    assert r2["one_hot"] < 0.7
    one = differences[(differences["first"] == "composition") & (differences["second"] == "kmer_ridge")]
    assert (one.set_index("metric").loc["r2", ["difference", "high"]] < 0).all()
    assert set(differences["split"]) == {"test"}
    frame = runs[2][1].query("split == 'test'")
    assert r2["kmer_ridge"] == pytest.approx(r2_score(frame["value"], frame["predicted"]))
    squared = np.corrcoef(frame["value"], frame["predicted"])[0, 1] ** 2
    assert means(metrics).loc["kmer_ridge", "r2_pearson"] == pytest.approx(squared)
    assert list(metrics["metric"].unique()) == list(METRICS["value"])


def test_positions_are_seen_by_one_hot_alone():
    texts = sequences(3)
    label = np.where([text[7] in "AG" for text in texts], "yes", "no")
    table = examples("label", label, texts)
    runs = [(keys(name, "label"), fit_baseline(name, table, "x", "label")) for name in ("one_hot", "composition")]
    metrics, _ = evaluate(runs, 100)
    found = means(metrics)
    assert found.loc["one_hot", "auroc"] > 0.99
    # one of forty letters is a little of the composition, too
    assert found.loc["composition", "auroc"] < 0.75
    frame = runs[1][1].query("split == 'test'")
    assert frame["probability"].map(len).eq(2).all()
    scores = np.stack(frame["probability"])[:, 1]
    positive = frame["label"] == "yes"
    assert found.loc["composition", "auroc"] == pytest.approx(roc_auc_score(positive, scores))
    assert found.loc["composition", "auprc"] == pytest.approx(average_precision_score(positive, scores))
    expected = f1_score(positive, frame["predicted"] == "yes")
    assert found.loc["composition", "f1"] == pytest.approx(expected)
    assert metrics["prevalence"].between(0.4, 0.6).all()
    with pytest.raises(InputError, match="one_hot needs examples of one length"):
        fit_baseline("one_hot", table.assign(sequence=[t + "A" * (i % 2) for i, t in enumerate(texts)]), "x", "label")


def test_many_labels_have_a_mean_f1_and_no_curve():
    texts = [text + unit * 5 for text, unit in zip(sequences(4), ["ACAC", "GUGU", "CCUU"] * 234, strict=False)]
    labels = np.array(["a", "b", "c"] * 234)[:700]
    table = examples("label", labels, texts)
    runs = [
        (keys(name, "label"), fit_baseline(name, table, "x", "label")) for name in ("kmer_ridge", "nearest", "constant")
    ]
    metrics, _ = evaluate(runs, 50)
    found = means(metrics)
    assert list(found.columns) == ["accuracy", "f1"]
    assert (found.loc[["kmer_ridge", "nearest"], "accuracy"] > 0.95).all()
    frame = runs[2][1].query("split == 'test'")
    assert found.loc["constant", "accuracy"] == pytest.approx(accuracy_score(frame["label"], frame["predicted"]))
    expected = f1_score(frame["label"], frame["predicted"], average="macro")
    assert found.loc["constant", "f1"] == pytest.approx(expected)
    assert metrics["prevalence"].isna().all()


def test_a_test_part_of_one_label_has_no_curve_and_the_last_label_stays_the_positive_one():
    table = examples("label", ["no"] * 20, sequences(6, 20)).assign(split=["valid"] * 10 + ["test"] * 10)
    table.loc[:4, "label"] = "yes"
    chances = np.where(np.arange(20) < 5, 0.8, 0.1)
    frame = predictions_table(table, "label", np.stack([1 - chances, chances], axis=1), ["no", "yes"])
    metrics, _ = evaluate([(keys("p", "label"), frame)], 20)
    found = means(metrics).loc["p"]
    assert found["accuracy"] == 1
    assert found[["f1", "auroc", "auprc"]].isna().all()
    assert metrics.groupby("split")["prevalence"].unique().map(list).to_dict() == {"test": [0.0], "valid": [0.5]}
    assert means(metrics, "valid").loc["p"].tolist() == [1, 1, 1, 1]


def pair_runs():
    known = ["((((....))))..", "((..[[..))..]]", ".............."]
    found = ["((((....))))..", "((......))....", "((((....)))).."]
    rows = pd.DataFrame(
        {
            "example": list("abc"),
            "split": "test",
            "family": "",
            "sequence": ["A" * 14] * 3,
            "partners": [partners_of(read_brackets(one), 14) for one in known],
        }
    )
    return predictions_table(rows, "pairs", [partners_of(read_brackets(one), 14) for one in found])


def test_pairs_are_averaged_over_rnas_and_pseudoknots_named():
    metrics, _ = evaluate([(keys("p", "pairs"), pair_runs())], 50)
    found = means(metrics).loc["p"]
    assert found["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx((1 + 0.5 + 0) / 3)
    # one of the two stems that cross is the pseudoknot, and the one found is the first layer
    assert found["pseudoknot_recall"] == 0
    assert list(metrics["metric"].unique()) == list(METRICS["pairs"])
    moved = score_pairs(np.array([[2, 9]]), np.array([[1, 9]]))
    assert (moved["f1"], moved["f1_relaxed"]) == (0, 1)
    partners = partners_of(np.array([[0, 9], [1, 8]]), 10)
    assert pairs_of(partners).tolist() == [[0, 9], [1, 8]]


def test_intervals_hold_the_truth_and_seeds_are_averaged():
    random = np.random.default_rng(5)
    truth, hits, runs = 0.7, 0, 60
    for number in range(runs):
        right = random.random(150) < truth
        labels = np.tile(["a", "b", "c"], 50)
        others = np.roll(labels, 1)
        table = examples("label", labels, sequences(number, 150)).assign(split="test")
        probabilities = np.eye(3)[np.searchsorted(["a", "b", "c"], np.where(right, labels, others))]
        frame = predictions_table(table, "label", probabilities, ["a", "b", "c"])
        metrics, _ = evaluate([(keys("p", "label"), frame)], 300, number)
        row = metrics[(metrics["metric"] == "accuracy") & (metrics["seed"] == "mean")].iloc[0]
        hits += row["low"] <= truth <= row["high"]
        if not number:
            worse = frame.assign(predicted=others)
            both, _ = evaluate([(keys("p", "label", 1), frame), (keys("p", "label", 2), worse)], 100)
            values = both[both["metric"] == "accuracy"].set_index("seed")["value"]
            assert values["mean"] == pytest.approx((values["1"] + values["2"]) / 2)
    assert hits >= 0.85 * runs


def test_predictions_of_different_examples_are_refused():
    frame = pair_runs()
    with pytest.raises(InputError, match="answer different examples of d, fold x"):
        evaluate([(keys("p", "pairs"), frame), (keys("q", "pairs"), frame.iloc[1:])])
    with pytest.raises(InputError, match="no such fold"):
        fit_baseline("constant", examples("value", 1.0, sequences(1, 10)), "y", "value")
    table = examples("partners", [np.full(40, -1, np.int32)] * 700, sequences(1))
    with pytest.raises(InputError, match="kmer_ridge answers label and value alone"):
        fit_baseline("kmer_ridge", table, "x", "pairs")
    assert set(DOWNSTREAM_BASELINES) == {"constant", "composition", "kmer_ridge", "one_hot", "nearest", "vienna"}


def test_energy_and_the_nearest_rna_fold_a_hairpin():
    pytest.importorskip("RNA", reason="ViennaRNA is not installed")
    stem, loop = "GGGCCAGCAU", "GAAA"
    hairpin = stem + loop + "AUGCUGGCCC"
    texts = [hairpin + "A" * (i % 5) for i in range(700)]
    known = [partners_of(read_brackets("(" * 10 + "...." + ")" * 10 + "." * (i % 5)), 24 + i % 5) for i in range(700)]
    table = pd.concat([examples("partners", known, texts)[i::50] for i in range(5)])
    names = {"vienna": 2, "nearest": 1, "constant": 1}
    runs = [(keys(name, "pairs"), fit_baseline(name, table, "x", "pairs", threads=n)) for name, n in names.items()]
    found = means(evaluate(runs, 20)[0])
    assert found.loc["vienna", "f1"] > 0.95
    assert found.loc["nearest", "f1"] == 1
    assert found.loc["constant", "f1"] == 0
