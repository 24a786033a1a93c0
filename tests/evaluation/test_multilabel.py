"""Multi-label metrics, curves and natural imbalance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, hamming_loss, precision_recall_fscore_support, roc_auc_score

from rnamarks.dictionary import column_names
from rnamarks.evaluation.curves import curve_table
from rnamarks.evaluation.multilabel import imbalance_table, multilabel_table, natural_ratios
from rnamarks.evaluation.panels import build_panels
from rnamarks.evaluation.pools import build_pools
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task
from stand_in import run_script

from .made import BASES, TASKS, made_run, made_runs, made_windows, of, own_windows


@pytest.fixture(scope="module")
def runs():
    return [*made_runs()[4:], made_run("one", 1, 1.0, setting="single", tasks=("Y",))]


@pytest.fixture(scope="module")
def pool(runs):
    (pool,) = build_pools(runs, TASKS)
    return pool


@pytest.fixture(scope="module")
def multilabel(pool):
    return multilabel_table(pool, n=100, seed=2)


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("rule", ["any", "fitting"])
def test_multilabel_metrics_are_scikit_learn_s(pool, multilabel, average, rule):
    row = int(pool.keys.index[(pool.keys["model"] == "kmer_logistic") & (pool.keys["seed"] == "ensemble")][0])
    kept = pool.test.fresh
    labels = pool.test.positive[kept]
    called = pool.test.logits[row][kept] >= pool.thresholds("validation")[row]
    if rule == "fitting":
        called &= pool.test.base[kept][:, None] == pool.bases
    expected = precision_recall_fscore_support(labels, called, average=average, zero_division=0)[:3]
    rows = of(multilabel, model="kmer_logistic", choice="validation", called=rule, average=average).set_index("metric")
    assert rows.loc[["precision", "recall", "f1"], "value"].tolist() == pytest.approx(expected)
    if average == "micro":
        assert rows.at["hamming", "value"] == pytest.approx(hamming_loss(labels, called))
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()
    assert set(rows["windows"]) == {int(kept.sum())}
    assert set(rows["labels"]) == {int(labels.sum())}


def test_models_that_lack_a_task_are_left_out(multilabel):
    assert list(multilabel.columns) == column_names("multilabel")
    assert set(multilabel["model"]) == {"multirm_21", "kmer_logistic", "prevalence"}
    every = of(multilabel, model="multirm_21", choice="validation", metric="precision", average="micro")
    values = every.set_index("called")["value"]
    assert values["fitting"] > values["any"]


def test_curves_have_the_areas_of_the_metrics(runs, pool):
    curves = curve_table(build_panels([own_windows(run) for run in runs], [pool]))
    assert list(curves.columns) == column_names("curves", task_columns=False)
    assert set(of(curves, model="one")["task"]) == {"Y"}
    for against in ("own", "all"):
        windows = pool.test.windows(4, against)
        points = of(curves, model="kmer_logistic", task="Y", against=against, curve="roc")
        row = int(pool.keys.index[(pool.keys["model"] == "kmer_logistic") & (pool.keys["seed"] == "ensemble")][0])
        area = roc_auc_score(pool.test.positive[windows, 4], pool.test.logits[row, windows, 4])
        assert np.trapezoid(points["y"], points["x"]) == pytest.approx(area, abs=2e-3)


def test_sites_of_the_same_modification_elsewhere_count_neither_way():
    bases = {"human": "A", "mouse": "A"}
    tasks = [Task(name, species=name, modification="m6A") for name in bases]
    run = made_run("mass", 1, 1.0, windows=made_windows(bases), tasks=bases, bases=bases)
    (pool,) = build_pools([run], tasks)
    table = of(multilabel_table(pool, n=5), choice="validation", called="any", average="micro").set_index("metric")
    test = run.frame[run.frame["split"] == "test"]
    known = np.stack([~test["positive"].isin(set(bases) - {name}) for name in bases], axis=1)
    labels = np.stack([test["positive"] == name for name in bases], axis=1)
    called = test[list(bases)].to_numpy() >= pool.thresholds("validation")[0]
    assert table.at["hamming", "value"] == pytest.approx((called != labels)[known].mean())
    assert not known.all()


def test_imbalance_weighs_negatives(pool):
    table = imbalance_table(pool, dict.fromkeys(BASES, 9.0), n=200, seed=1)
    assert list(table.columns) == column_names("imbalance", task_columns=False)
    row = int(pool.keys.index[(pool.keys["model"] == "kmer_logistic") & (pool.keys["seed"] == "ensemble")][0])
    windows = pool.test.windows(2, "own")
    labels, logits = pool.test.positive[windows, 2], pool.test.logits[row, windows, 2]
    weights = np.where(labels, 1.0, 9.0 * labels.sum() / (~labels).sum())
    mine = of(table, model="kmer_logistic", task="Cm", against="own")
    weighted, resampled = (of(mine, method=name).set_index("metric") for name in ("weighted", "resampled"))
    expected = average_precision_score(labels, logits, sample_weight=weights)
    assert weighted.at["auprc", "value"] == pytest.approx(expected)
    assert resampled.at["auprc", "value"] == pytest.approx(expected, abs=0.02)
    called = logits >= pool.thresholds("validation")[row, 2]
    precision = (weights * called)[labels].sum() / (weights * called).sum()
    assert weighted.at["precision", "value"] == pytest.approx(precision)
    assert weighted.at["recall", "value"] == pytest.approx(called[labels].mean())
    width = weighted["high"] - weighted["low"]
    assert width["auprc"] > 1.2 * (resampled.at["auprc", "high"] - resampled.at["auprc", "low"])
    assert resampled.at["recall", "low"] == resampled.at["recall", "high"]
    chance = of(table, model="prevalence", task="Cm", against="own", method="weighted", metric="auprc")
    assert chance["prevalence"].tolist() == [0.1]
    everything = of(table, model="kmer_logistic", task="Cm", against="all", method="weighted", metric="auprc")
    assert everything["n_negative"].iloc[0] > 3 * chance["n_negative"].iloc[0]


def test_script_writes_both_tables(tmp_path, repository):
    runs, paths, splits = made_runs()[2:6:3], [], []
    for index, run in enumerate(runs):
        paths.append(tmp_path / f"{index}.parquet")
        write_parquet(run.frame, paths[-1])
    for name in BASES:
        splits.append(tmp_path / f"{name}.split.parquet")
        write_parquet(pd.DataFrame({"label": [1, 0] * 20}), splits[-1])
    assert natural_ratios(dict(zip(BASES, splits, strict=True))) == dict.fromkeys(BASES, 9.0)
    run_script(
        "evaluation/evaluate_multilabel",
        tmp_path / "log.txt",
        inputs={"predictions": paths, "splits": splits},
        outputs={"multilabel": tmp_path / "multilabel.tsv", "imbalance": tmp_path / "imbalance.tsv"},
        params={
            "runs": [{"model": r.model, "setting": r.setting, "scheme": r.scheme, "seed": r.seed} for r in runs],
            "tasks": [task.record() for task in TASKS],
            "bootstrap": 20,
            "seed": 1,
        },
    )
    assert len(read_tsv(tmp_path / "multilabel.tsv", column_names("multilabel"))[0])
    imbalance, _ = read_tsv(
        tmp_path / "imbalance.tsv", [*column_names("imbalance", task_columns=False), "species", "modification"]
    )
    assert imbalance["ratio"].unique() == pytest.approx([9.0])
    assert set(imbalance["species"]) == {"human"}
