"""AUCb, AUCm, calls, summaries and differences of models of several marks."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, matthews_corrcoef, roc_auc_score

from rnamarks.errors import InputError
from rnamarks.evaluation.mark_panels import build_mark_panels, call_ratios, g_mean_threshold, resample_windows
from rnamarks.evaluation.marks import (
    METRIC_COLUMNS,
    NOISE_COLUMNS,
    PAIRED_COLUMNS,
    SUMMARY_COLUMNS,
    mark_thresholds,
    marks_table,
    measure_marks,
    noise_table,
    paired_marks,
    summary_table,
)
from rnamarks.tables import read_tsv, write_parquet

from .marks_worlds import MARKS, made_run, made_runs, made_windows

SETTINGS = {
    "multirm_51": {
        "network": "multirm",
        "width": 51,
        "embedding": "word2vec",
        "objective": "ohem",
        "otherwise": "{}",
    }
}


def of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


@pytest.fixture(scope="module")
def panel():
    (panel,) = build_mark_panels(made_runs())
    return panel


@pytest.fixture(scope="module")
def measured(panel):
    return measure_marks(panel, n=200, seed=3)


@pytest.fixture(scope="module")
def metrics(panel, measured):
    return marks_table(panel, measured)


@pytest.fixture(scope="module")
def paired(panel, measured):
    return paired_marks(panel, measured, reference=("multirm_51", "all"))


def test_panels_hold_own_windows_and_all_windows(panel):
    assert panel.marks == tuple(MARKS)
    assert panel.bases.tolist() == list(MARKS.values())
    am, m6a, cm = 0, 1, 2
    # four sites of Am are unmodified windows of m6A, one window of Cm was trained on
    assert [len(panel.test.own_of(i)) for i in (am, m6a, cm)] == [100, 104, 100]
    assert [len(panel.test.all_of(i)) for i in (am, m6a, cm)] == [498, 498, 500]
    assert panel.test.positive[:, m6a].sum() == 50


def test_values_are_scikit_learn_s(panel, metrics):
    frame = of(made_runs()[0].frame, part="test")
    for mark in ("m6A", "Cm"):
        own = frame[[mark in text.split(",") for text in frame["own"]]]
        everything = frame[~frame["seen"] | (frame["own"] == mark)]
        mine = of(metrics, model="multirm_51", seed="1", modification=mark, choice="").set_index("metric")
        for kind, rows in (("b", own), ("m", everything)):
            labels = rows["positive"] == mark
            row = mine.loc[f"auc_{kind}"]
            assert row["value"] == pytest.approx(roc_auc_score(labels, rows[mark]))
            assert mine.at[f"ap_{kind}", "value"] == pytest.approx(average_precision_score(labels, rows[mark]))
            assert (row["n_positive"], row["n_negative"]) == (labels.sum(), (~labels).sum())
            assert row["low"] < row["value"] < row["high"]
        base = everything["base"] == MARKS[mark]
        assert mine.at["auc_m", "chance"] == pytest.approx(roc_auc_score(everything["positive"] == mark, base))
        assert mine.at["auc_b", "chance"] == 0.5
        assert mine.at["auc_m", "value"] > mine.at["auc_b", "value"]


def test_calls_use_the_threshold_of_the_validation_part(metrics):
    frame = made_runs()[1].frame
    valid, test = (of(frame, part=part, own="Um") for part in ("valid", "test"))
    labels = (valid["positive"] == "Um").to_numpy()
    rows = of(metrics, model="multirm_51", seed="2", modification="Um", choice="validation").set_index("metric")
    threshold = rows["threshold"].iloc[0]

    def g_mean(cut):
        called = valid["Um"].to_numpy() >= cut
        return np.sqrt(called[labels].mean() * (~called[~labels]).mean())

    assert g_mean(threshold) == pytest.approx(max(g_mean(cut) for cut in valid["Um"]))
    called, labels = (test["Um"] >= threshold).to_numpy(), (test["positive"] == "Um").to_numpy()
    (tn, fp), (fn, tp) = confusion_matrix(labels, called)
    expected = {"sensitivity": tp / (tp + fn), "specificity": tn / (tn + fp), "accuracy": (tp + tn) / 100}
    expected["mcc"] = matthews_corrcoef(labels, called)
    assert rows["value"].to_dict() == pytest.approx(expected)


def test_published_thresholds_come_from_the_test_part(panel):
    published = mark_thresholds(panel, "published")
    frame = of(made_runs()[0].frame, part="test")
    frame = frame[~frame["seen"]]
    assert published[0, 0] == pytest.approx(g_mean_threshold(frame["positive"] == "Am", frame["Am"]))
    assert not np.allclose(published, mark_thresholds(panel))


def test_ensemble_is_the_mean_logit_and_mean_the_mean_of_seeds(metrics):
    mine = of(metrics, model="multirm_51", modification="Y", metric="auc_b").set_index("seed")
    assert list(mine.index) == ["1", "2", "3", "mean", "ensemble"]
    assert mine.at["mean", "value"] == pytest.approx(mine.loc[["1", "2", "3"], "value"].mean())
    frames = [of(run.frame, part="test", own="Y").sort_values("window") for run in made_runs()[:3]]
    together = np.mean([frame["Y"] for frame in frames], axis=0)
    assert mine.at["ensemble", "value"] == pytest.approx(roc_auc_score(frames[0]["positive"] == "Y", together))
    assert tuple(metrics.columns) == METRIC_COLUMNS
    assert not metrics.duplicated([*METRIC_COLUMNS[:7]]).any()


def test_summary_has_means_medians_and_ranks(panel, measured, metrics):
    summary = summary_table(panel, measured, SETTINGS)
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    rows = of(of(summary, metric="auc_b"), seed="ensemble").set_index("model")
    values = of(of(metrics, metric="auc_b"), seed="ensemble").pivot(
        index="model", columns="modification", values="value"
    )
    assert rows["mean"].to_dict() == pytest.approx(values.mean(axis=1).to_dict())
    assert rows["median"].to_dict() == pytest.approx(values.median(axis=1).to_dict())
    ranks = rankdata(-values.round(12), axis=0).mean(axis=1)
    assert rows["rank"].to_dict() == pytest.approx(dict(zip(values.index, ranks, strict=True)))
    assert rows["rank"].idxmin() == "multirm_51"
    assert rows.at["multirm_51", "width"] == 51
    assert rows.at["kmer_logistic", "network"] == ""
    assert of(summary, seed="1")["rank"].isna().all()


def test_mean_difference_is_paired_and_found(paired, metrics):
    assert tuple(paired.columns) == PAIRED_COLUMNS
    row = of(paired, model_b="kmer_logistic", modification="mean", metric="auc_b", seed="ensemble").iloc[0]
    values = of(metrics, metric="auc_b", seed="ensemble").groupby("model")["value"].mean()
    assert row["model_a"] == "multirm_51"
    assert row["difference"] == pytest.approx(values["multirm_51"] - values["kmer_logistic"])
    assert row["low"] > 0
    single = of(paired, model_b="kmer_logistic", metric="auc_b", seed="ensemble", modification="Y").iloc[0]
    assert row["high"] - row["low"] < single["high"] - single["low"]
    # the models share much of their errors, so that the difference is surer than two intervals say
    alone = of(metrics, metric="auc_b", seed="ensemble", modification="Y").set_index("model")
    widths = alone["high"] - alone["low"]
    assert single["high"] - single["low"] < np.hypot(widths["multirm_51"], widths["kmer_logistic"])


def test_noise_says_how_little_fifty_windows_tell(metrics, paired):
    noise = noise_table(metrics, paired)
    assert tuple(noise.columns) == NOISE_COLUMNS
    rows = of(noise, metric="auc_b", seed="ensemble").set_index("modification")
    assert rows.loc[list(MARKS), "standard_error"].between(0.02, 0.07).all()
    assert (rows["pairs"] == 6).all()
    assert (rows["neighbours"] == 3).all()
    assert (rows["differ"] <= rows["pairs"]).all()
    assert rows.at["mean", "differ"] >= rows.loc[list(MARKS), "differ"].max()
    assert np.isnan(rows.at["mean", "standard_error"])


def test_models_that_are_alike_seldom_differ():
    runs = [made_run(f"model{'x' * i}", i, 1.0) for i in range(6)]
    (panel,) = build_mark_panels(runs)
    measured = measure_marks(panel, n=200)
    noise = noise_table(marks_table(panel, measured), paired_marks(panel, measured, metrics=["auc_b"]))
    rows = of(noise, seed="ensemble")
    rows = rows[rows["modification"] != "mean"]
    assert rows["differ"].sum() / rows["pairs"].sum() < 0.2


def test_resamples_keep_marks_and_labels(panel):
    counts = np.vstack(list(resample_windows(panel.test, 30, 1)))
    assert counts.shape == (30, 500)
    assert (counts @ (panel.test.own & panel.test.positive) == 50).all()
    assert (counts @ (panel.test.own & ~panel.test.positive) == [50, 54, 50, 50, 50]).all()
    again = np.vstack(list(resample_windows(panel.test, 30, 1)))
    assert np.array_equal(counts, again)
    assert counts.max() > 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30))
def test_g_mean_threshold_is_the_best_of_all(pairs):
    logits, labels = (np.array(part) for part in zip(*pairs, strict=True))
    labels[:2] = [True, False]

    def g_mean(cut):
        called = logits >= cut
        return np.sqrt(called[labels].mean() * (~called[~labels]).mean())

    assert g_mean(g_mean_threshold(labels, logits)) == pytest.approx(max(map(g_mean, [*logits, np.inf])))


def test_ratios_of_calls_and_their_edges():
    labels, called = np.array([1, 1, 1, 0, 0]), np.array([1, 0, 1, 1, 0])
    found = call_ratios(2, 1, 1, 1)
    assert found["mcc"] == pytest.approx(matthews_corrcoef(labels, called))
    assert found["f1"] == pytest.approx(f1_score(labels, called))
    assert found["hamming"] == pytest.approx(0.4)
    nothing = call_ratios(np.zeros(2), np.zeros(2), np.full(2, 3), np.full(2, 4))
    assert nothing["precision"].tolist() == nothing["mcc"].tolist() == [0, 0]


def test_a_model_of_single_marks_may_lack_some(panel):
    runs = [*made_runs()[:1], made_run("alone", 1, 2.0, setting="single", marks=("Y",))]
    runs += [made_run("alone", 1, 2.0, setting="single", marks=("Cm",))]
    (panel,) = build_mark_panels(runs)
    measured = measure_marks(panel, n=20)
    metrics = marks_table(panel, measured)
    assert set(of(metrics, model="alone")["modification"]) == {"Y", "Cm"}
    rows = of(summary_table(panel, measured), model="alone", metric="auc_b", seed="ensemble")
    assert rows["marks"].tolist() == [2]
    assert rows["rank"].isna().all()
    pair = of(paired_marks(panel, measured), seed="ensemble", metric="auc_b")
    assert set(pair["modification"]) == {"Y", "Cm", "mean"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[frame["window"] != "Y:test:1:3"], "not scored on the same test windows"),
        (lambda frame: frame.assign(Y=np.nan), "not finite"),
        (lambda frame: frame.drop(columns="base"), "lacks the column base"),
        (lambda frame: frame.drop(columns=list(MARKS)), "no heads"),
    ],
)
def test_runs_that_do_not_fit_together(change, words):
    good = made_runs()[0]
    with pytest.raises(InputError, match=words):
        build_mark_panels([good, type(good)("other", "all", "paper", 1, change(good.frame))])


def test_unusable_runs():
    run = made_run("multirm_51", 1, 1.0)
    with pytest.raises(InputError, match="given twice for Am"):
        build_mark_panels([run, run])
    with pytest.raises(InputError, match="no predictions"):
        build_mark_panels([])
    windows = made_windows()
    lost = windows[(windows["part"] == "test") | (windows["positive"] != "Um")].reset_index(drop=True)
    with pytest.raises(InputError, match="valid part of the split paper has 0 windows with Um"):
        build_mark_panels([made_run("multirm_51", 1, 1.0, windows=lost)])


def test_script_writes_all_tables(tmp_path, repository):
    runs, paths, splits = made_runs()[2:6:3], [], []
    for index, run in enumerate(runs):
        paths.append(tmp_path / f"{index}.parquet")
        write_parquet(run.frame, paths[-1])
    for mark, base in MARKS.items():
        random = np.random.default_rng(len(splits))
        letters = random.choice(list("ACGU"), (40, 21))
        letters[:, 10] = base
        frame = pd.DataFrame({"sequence": ["".join(row) for row in letters], "label": [1, 0] * 20, "gene": ""})
        splits.append(tmp_path / f"{mark}.split.parquet")
        write_parquet(frame, splits[-1])
    names = ("metrics", "summary", "paired", "noise", "multilabel", "imbalance", "curves", "sources")
    stand_in = SimpleNamespace(
        input=SimpleNamespace(heads=paths, splits=splits),
        output=SimpleNamespace(**{name: tmp_path / f"{name}.tsv" for name in names}),
        log=[tmp_path / "log.txt"],
        params=SimpleNamespace(
            runs=[{"model": r.model, "setting": r.setting, "split": r.split, "seed": r.seed} for r in runs],
            marks=list(MARKS),
            settings=SETTINGS,
            release={"model": "multirm_51", "setting": "all", "split": "paper"},
            bootstrap=20,
            seed=1,
        ),
    )
    script = repository / "scripts/evaluation/evaluate_marks.py"
    runpy.run_path(str(script), init_globals={"snakemake": stand_in})
    for name in names:
        table, _ = read_tsv(tmp_path / f"{name}.tsv")
        assert len(table), name
    imbalance, _ = read_tsv(tmp_path / "imbalance.tsv")
    assert imbalance["ratio"].unique() == pytest.approx([9.0])
