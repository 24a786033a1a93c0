"""Multi-label metrics, curves and natural imbalance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, hamming_loss, precision_recall_fscore_support, roc_auc_score

from rnamarks.evaluation.mark_panels import build_mark_panels
from rnamarks.evaluation.marks import mark_thresholds
from rnamarks.evaluation.multilabel import (
    CURVE_COLUMNS,
    IMBALANCE_COLUMNS,
    MULTILABEL_COLUMNS,
    imbalance_table,
    mark_curves,
    multilabel_table,
    natural_ratios,
)

from .marks_worlds import MARKS, made_run, made_runs


def of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


@pytest.fixture(scope="module")
def panel():
    (panel,) = build_mark_panels([*made_runs()[4:], made_run("one", 1, 1.0, setting="single", marks=("Y",))])
    return panel


@pytest.fixture(scope="module")
def multilabel(panel):
    return multilabel_table(panel, n=100, seed=2)


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("rule", ["any", "fitting"])
def test_multilabel_metrics_are_scikit_learn_s(panel, multilabel, average, rule):
    row = int(panel.keys.index[(panel.keys["model"] == "kmer_logistic") & (panel.keys["seed"] == "ensemble")][0])
    kept = panel.test.fresh
    labels = panel.test.positive[kept]
    called = panel.test.logits[row][kept] >= mark_thresholds(panel)[row]
    if rule == "fitting":
        called &= panel.test.base[kept][:, None] == panel.bases
    expected = precision_recall_fscore_support(labels, called, average=average, zero_division=0)[:3]
    rows = of(multilabel, model="kmer_logistic", choice="validation", called=rule, average=average).set_index("metric")
    assert rows.loc[["precision", "recall", "f1"], "value"].tolist() == pytest.approx(expected)
    if average == "micro":
        assert rows.at["hamming", "value"] == pytest.approx(hamming_loss(labels, called))
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()
    assert set(rows["windows"]) == {int(kept.sum())}
    assert set(rows["labels"]) == {int(labels.sum())}


def test_models_that_lack_a_mark_are_left_out(multilabel):
    assert tuple(multilabel.columns) == MULTILABEL_COLUMNS
    assert set(multilabel["model"]) == {"multirm_21", "kmer_logistic", "prevalence"}
    every = of(multilabel, model="multirm_21", choice="validation", metric="precision", average="micro")
    values = every.set_index("called")["value"]
    assert values["fitting"] > values["any"]


def test_curves_have_the_areas_of_the_metrics(panel):
    curves = mark_curves(panel)
    assert tuple(curves.columns) == CURVE_COLUMNS
    assert set(of(curves, model="one")["modification"]) == {"Y"}
    for against, windows in (("own", panel.test.own_of(4)), ("all", panel.test.all_of(4))):
        points = of(curves, model="kmer_logistic", modification="Y", against=against, curve="roc")
        row = int(panel.keys.index[(panel.keys["model"] == "kmer_logistic") & (panel.keys["seed"] == "ensemble")][0])
        area = roc_auc_score(panel.test.positive[windows, 4], panel.test.logits[row, windows, 4])
        assert np.trapezoid(points["y"], points["x"]) == pytest.approx(area, abs=2e-3)


def test_ratios_of_the_whole_data_set():
    assert natural_ratios({"Am": 1591, "m6A": 65178}, 304_661) == pytest.approx({"Am": 190.49, "m6A": 3.674}, rel=1e-3)


def test_imbalance_weighs_negatives(panel):
    table = imbalance_table(panel, dict.fromkeys(MARKS, 9.0), n=200, seed=1)
    assert tuple(table.columns) == IMBALANCE_COLUMNS
    row = int(panel.keys.index[(panel.keys["model"] == "kmer_logistic") & (panel.keys["seed"] == "ensemble")][0])
    windows = panel.test.own_of(2)
    labels, logits = panel.test.positive[windows, 2], panel.test.logits[row, windows, 2]
    weights = np.where(labels, 1.0, 9.0 * labels.sum() / (~labels).sum())
    mine = of(table, model="kmer_logistic", modification="Cm", against="own")
    weighted, resampled = (of(mine, method=name).set_index("metric") for name in ("weighted", "resampled"))
    expected = average_precision_score(labels, logits, sample_weight=weights)
    assert weighted.at["ap", "value"] == pytest.approx(expected)
    assert resampled.at["ap", "value"] == pytest.approx(expected, abs=0.02)
    called = logits >= mark_thresholds(panel)[row, 2]
    precision = (weights * called)[labels].sum() / (weights * called).sum()
    assert weighted.at["precision", "value"] == pytest.approx(precision)
    assert weighted.at["recall", "value"] == pytest.approx(called[labels].mean())
    width = weighted["high"] - weighted["low"]
    assert width["ap"] > 1.2 * (resampled.at["ap", "high"] - resampled.at["ap", "low"])
    assert resampled.at["recall", "low"] == resampled.at["recall", "high"]
    chance = of(table, model="prevalence", modification="Cm", against="own", method="weighted", metric="ap")
    assert chance["prevalence"].tolist() == [0.1]
    everything = of(table, model="kmer_logistic", modification="Cm", against="all", method="weighted", metric="ap")
    assert everything["n_negative"].iloc[0] > 3 * chance["n_negative"].iloc[0]
