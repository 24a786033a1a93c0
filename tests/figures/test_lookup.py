"""Rows are found whichever way the tables hold them."""

from __future__ import annotations

import pandas as pd

from rnamarks.figures.lookup import best_baseline, counts_by_task, differences, metric_rows, say_counts, seed_values


def test_differences_turn_round(tables):
    there = differences(tables["paired"], ("mass", "all"), ("mass", "two"), scheme="paper", metric="auprc", seed="mean")
    back = differences(tables["paired"], ("mass", "two"), ("mass", "all"), scheme="paper", metric="auprc", seed="mean")
    assert set(there) == set(back) == {"human", "chimp"}
    assert back["human"]["difference"] == -there["human"]["difference"]
    assert back["human"]["low"] == -there["human"]["high"]
    assert back["human"]["p"] == there["human"]["p"]


def test_best_baseline_beats_the_prevalence(design, tables):
    assert best_baseline(tables["metrics"], design, "paper").model == "kmer_logistic"
    networks = tables["metrics"][tables["metrics"]["model"] == "mass"]
    assert best_baseline(networks, design, "paper") is None


def test_counts(design, tables):
    counts = counts_by_task(tables["metrics"], design.names, "paper")
    assert counts == dict.fromkeys(design.names, (30, 150))
    assert say_counts(counts, design) == "30 : 150 for each species"
    assert say_counts({"human": (1234, 5)}, design) == "human 1,234 : 5"
    several = {"human": (1, 2), "mouse": (3, 4), "chimp": (1, 2)}
    assert say_counts(several, design) == "1 : 2 (human, chimp), mouse 3 : 4"


def test_rows_against_all_windows_and_other_thresholds_are_left_out(tables):
    metrics = tables["metrics"]
    others = [metrics.assign(against="all", value=0.0), metrics.assign(choice="validation", value=0.0)]
    mixed = pd.concat([*others, metrics], ignore_index=True)
    found, expected = (metric_rows(table, "auprc", "paper") for table in (mixed, metrics))
    assert {key: row["value"] for key, row in found.items()} == {key: row["value"] for key, row in expected.items()}
    assert counts_by_task(metrics.assign(against="all"), ["human"], "paper") == {}


def test_seed_values_leave_out_mean_and_ensemble(design, tables):
    values = seed_values(tables["metrics"], "auroc", "paper", design.best, "human")
    rows = tables["metrics"].query(
        "model == 'mass' and setting == 'all' and scheme == 'paper' and task == 'human' and split == 'test' and "
        "metric == 'auroc' and seed in ['1', '2']"
    )
    assert values == rows["value"].tolist()
    assert len(values) == 2
