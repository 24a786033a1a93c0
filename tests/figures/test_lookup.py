"""Rows are found whichever way the tables hold them."""

from __future__ import annotations

import pandas as pd
import pytest

from rnamarks.figures.lookup import best_baseline, counts_by_species, differences, say_counts, seed_values


def test_differences_turn_round(tables):
    there = differences(tables["paired"], ("mass", "all"), ("mass", "two"), split="paper", metric="auprc", seed="mean")
    back = differences(tables["paired"], ("mass", "two"), ("mass", "all"), split="paper", metric="auprc", seed="mean")
    assert set(there) == set(back) == {"human", "chimp"}
    assert back["human"]["difference"] == -there["human"]["difference"]
    assert back["human"]["low"] == -there["human"]["high"]
    assert back["human"]["p"] == there["human"]["p"]


def test_best_baseline_beats_the_prevalence(design, tables):
    assert best_baseline(tables["metrics"], design, "paper").model == "kmer_logistic"
    networks = tables["metrics"][tables["metrics"]["model"] == "mass"]
    assert best_baseline(networks, design, "paper") is None


def test_counts(design, tables):
    counts = counts_by_species(tables["metrics"], design.species, "paper")
    assert counts == dict.fromkeys(design.species, (30, 150))
    assert say_counts({"human": (1234, 5)}) == "human 1,234 : 5"


def test_seed_values_leave_out_mean_and_ensemble(design, tables):
    values = seed_values(tables["metrics"], "auroc", "paper", design.best, "human")
    means = tables["metrics"].query(
        "model == 'mass' and setting == 'all' and split == 'paper' and species == 'human' and part == 'test' and "
        "metric == 'auroc' and seed == 'mean'"
    )["value"]
    assert len(values) == 2
    assert pd.Series(values).mean() == pytest.approx(means.iloc[0])
