"""Tasks against all windows: AUCb, AUCm, calls, summaries and differences of models of several modifications."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, confusion_matrix, matthews_corrcoef, roc_auc_score

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.bootstrap import resample_counts
from rnamarks.evaluation.panels import build_panels
from rnamarks.evaluation.pools import build_pools
from rnamarks.evaluation.seeds import Run
from rnamarks.evaluation.tables import metrics_table, noise_table, paired_table, summary_table
from rnamarks.evaluation.thresholds import g_mean_threshold
from rnamarks.tasks import Task

from .made import BASES, TASKS, made_run, made_runs, made_windows, of, own_windows

DRAWS = {"n": 200, "seed": 3}
SETTINGS = {
    "multirm_51": {"network": "multirm", "width": 51, "embedding": "word2vec", "objective": "ohem", "otherwise": "{}"}
}


def panels_of(runs, tasks=TASKS):
    return build_panels([own_windows(run) for run in runs], build_pools(runs, tasks))


@pytest.fixture(scope="module")
def pool():
    (pool,) = build_pools(made_runs(), TASKS)
    return pool


@pytest.fixture(scope="module")
def panels():
    return panels_of(made_runs())


@pytest.fixture(scope="module")
def metrics(panels):
    return metrics_table(panels, **DRAWS)


@pytest.fixture(scope="module")
def paired(panels):
    return paired_table(panels, reference=("multirm_51", "all"), **DRAWS)


def test_pools_hold_own_windows_and_all_windows(pool):
    assert pool.tasks == tuple(BASES)
    assert pool.bases.tolist() == list(BASES.values())
    am, m6a, cm = 0, 1, 2
    # four sites of Am are unmodified windows of m6A, one window of Cm was trained on
    assert [len(pool.test.windows(i, "own")) for i in (am, m6a, cm)] == [100, 104, 100]
    assert [len(pool.test.windows(i, "all")) for i in (am, m6a, cm)] == [498, 498, 500]
    assert pool.test.positive[:, m6a].sum() == 50


def test_sites_of_the_same_modification_in_another_species_are_no_negatives():
    bases = {"human_m6A": "A", "mouse_m6A": "A", "human_Y": "U"}
    tasks = [Task(name, species=name.split("_")[0], modification=name.split("_")[1]) for name in bases]
    windows = made_windows(bases)
    run = made_run("multirm_51", 1, 1.0, windows=windows, tasks=bases, bases=bases)
    table = metrics_table(panels_of([run], tasks), n=10)
    rows = of(table, against="all", seed="1", metric="auroc").set_index("task")
    assert rows["n_positive"].tolist() == [50, 50, 50]
    # unmodified windows of all tasks; of the other modification the sites, too
    assert rows["n_negative"].to_dict() == {"human_m6A": 200, "mouse_m6A": 200, "human_Y": 250}
    frame = of(run.frame, split="test")
    frame = frame[frame["positive"] != "mouse_m6A"]
    expected = roc_auc_score(frame["positive"] == "human_m6A", frame["human_m6A"])
    assert rows.at["human_m6A", "value"] == pytest.approx(expected)


def test_values_are_scikit_learn_s(metrics):
    frame = of(made_runs()[0].frame, split="test")
    for task in ("m6A", "Cm"):
        own = frame[[task in text.split(",") for text in frame["own"]]]
        everything = frame[~frame["seen"] | (frame["own"] == task)]
        mine = of(metrics, model="multirm_51", seed="1", task=task, choice="").set_index(["against", "metric"])
        for against, rows in (("own", own), ("all", everything)):
            labels = rows["positive"] == task
            row = mine.loc[against, "auroc"]
            assert row["value"] == pytest.approx(roc_auc_score(labels, rows[task]))
            precision = mine.loc[against, "auprc"]
            assert precision["value"] == pytest.approx(average_precision_score(labels, rows[task]))
            assert (row["n_positive"], row["n_negative"]) == (labels.sum(), (~labels).sum())
            assert row["low"] < row["value"] < row["high"]
        base, labels = everything["base"] == BASES[task], everything["positive"] == task
        assert mine.loc[("all", "auroc"), "chance"] == pytest.approx(roc_auc_score(labels, base))
        assert mine.loc[("own", "auroc"), "chance"] == 0.5
        assert mine.loc[("all", "auroc"), "value"] > mine.loc[("own", "auroc"), "value"]


def test_calls_use_the_threshold_of_the_validation_split(metrics):
    frame = made_runs()[1].frame
    valid, test = (of(frame, split=split, own="Um") for split in ("valid", "test"))
    labels = (valid["positive"] == "Um").to_numpy()
    rows = of(metrics, model="multirm_51", seed="2", task="Um", choice="validation").set_index("metric")
    threshold = rows["threshold"].iloc[0]

    def g_mean(cut):
        called = valid["Um"].to_numpy() >= cut
        return np.sqrt(called[labels].mean() * (~called[~labels]).mean())

    assert g_mean(threshold) == pytest.approx(max(g_mean(cut) for cut in valid["Um"]))
    called, labels = (test["Um"] >= threshold).to_numpy(), (test["positive"] == "Um").to_numpy()
    (tn, fp), (fn, tp) = confusion_matrix(labels, called)
    expected = {"sensitivity": tp / (tp + fn), "specificity": tn / (tn + fp), "accuracy": (tp + tn) / 100}
    expected |= {"mcc": matthews_corrcoef(labels, called), "precision": tp / (tp + fp)}
    assert rows["value"].to_dict() == pytest.approx(expected)
    assert of(metrics, seed="mean")["threshold"].isna().all()


def test_published_thresholds_come_from_the_test_split(pool, metrics):
    published = pool.thresholds("published")
    frame = of(made_runs()[0].frame, split="test")
    frame = frame[~frame["seen"]]
    assert published[0, 0] == pytest.approx(g_mean_threshold(frame["positive"] == "Am", frame["Am"]))
    assert not np.allclose(published, pool.thresholds("validation"))
    rows = of(metrics, model="multirm_51", seed="1", task="Am", choice="published")
    assert set(rows["threshold"]) == {published[0, 0]}


def test_ensemble_is_the_mean_logit_and_mean_the_mean_of_seeds(metrics):
    for against in ("own", "all"):
        mine = of(metrics, model="multirm_51", task="Y", metric="auroc", against=against).set_index("seed")
        assert set(mine.index) == {"1", "2", "3", "mean", "ensemble"}
        assert mine.at["mean", "value"] == pytest.approx(mine.loc[["1", "2", "3"], "value"].mean())
        frames = [of(run.frame, split="test").sort_values("window") for run in made_runs()[:3]]
        kept = ~frames[0]["seen"] if against == "all" else frames[0]["own"] == "Y"
        together = np.mean([frame["Y"] for frame in frames], axis=0)
        expected = roc_auc_score((frames[0]["positive"] == "Y")[kept], together[kept])
        assert mine.at["ensemble", "value"] == pytest.approx(expected)
    assert list(metrics.columns) == column_names("metrics", task_columns=False)
    assert not metrics.duplicated([*column_names("metrics", task_columns=False)[:9]]).any()


def test_summary_has_means_medians_and_ranks(panels, metrics):
    summary = summary_table(panels, SETTINGS, **DRAWS)
    assert list(summary.columns) == column_names("summary")
    for against in ("own", "all"):
        rows = of(summary, metric="auroc", against=against, seed="ensemble").set_index("model")
        values = of(metrics, metric="auroc", against=against, seed="ensemble").pivot(
            index="model", columns="task", values="value"
        )
        assert rows["mean"].to_dict() == pytest.approx(values.mean(axis=1).to_dict())
        assert rows["median"].to_dict() == pytest.approx(values.median(axis=1).to_dict())
        ranks = rankdata(-values.round(12), axis=0).mean(axis=1)
        assert rows["rank"].to_dict() == pytest.approx(dict(zip(values.index, ranks, strict=True)))
        assert rows["rank"].idxmin() == "multirm_51"
        assert (rows["mean_low"] < rows["mean"]).iloc[:3].all()
        single = of(metrics, metric="auroc", against=against, seed="ensemble", model="multirm_51")
        width = (single["high"] - single["low"]).min()
        assert rows.at["multirm_51", "mean_high"] - rows.at["multirm_51", "mean_low"] < width
    assert rows.at["multirm_51", "width"] == 51
    assert rows.at["kmer_logistic", "network"] == ""
    assert of(summary, seed="1")["rank"].isna().all()


def test_mean_difference_is_paired_and_found(paired, metrics):
    assert list(paired.columns) == column_names("paired", task_columns=False)
    pair = of(paired, model_a="multirm_51", model_b="kmer_logistic", metric="auroc", against="own", seed="ensemble")
    values = of(metrics, metric="auroc", against="own", seed="ensemble").groupby("model")["value"].mean()
    row, single = pair.set_index("task").loc["mean"], pair.set_index("task").loc["Y"]
    assert row["difference"] == pytest.approx(values["multirm_51"] - values["kmer_logistic"])
    assert row["low"] > 0
    assert row["high"] - row["low"] < single["high"] - single["low"]
    # the models share much of their errors, so that the difference is surer than two intervals say
    alone = of(metrics, metric="auroc", against="own", seed="ensemble", task="Y").set_index("model")
    widths = alone["high"] - alone["low"]
    assert single["high"] - single["low"] < np.hypot(widths["multirm_51"], widths["kmer_logistic"])


def test_intervals_of_means_take_tasks_for_independent():
    runs = [made_run("multirm_51", 1, 1.6, tasks=("Y",)), made_run("multirm_21", 1, 1.1, tasks=("Y",))]
    own = [own_windows(run) for run in runs]
    # four tasks with the very same windows would draw them alike
    for run in own:
        run.frame = pd.concat([run.frame.assign(task=f"task{at}") for at in range(4)], ignore_index=True)
    panels = build_panels(own)
    metrics, summary = metrics_table(panels, n=1000), summary_table(panels, n=1000)
    single, mean = (of(table, model="multirm_51", metric="auroc", seed="1").iloc[0] for table in (metrics, summary))
    ratio = (mean["mean_high"] - mean["mean_low"]) / (single["high"] - single["low"])
    assert ratio == pytest.approx(0.5, rel=0.12)
    paired = of(paired_table(panels, n=1000), metric="auroc", seed="ensemble").set_index("task")
    widths = paired["high"] - paired["low"]
    assert widths["mean"] / widths["task0"] == pytest.approx(0.5, rel=0.12)


def test_noise_says_how_little_fifty_windows_tell(metrics, paired):
    noise = noise_table(metrics, paired)
    assert list(noise.columns) == column_names("noise", task_columns=False)
    rows = of(noise, metric="auroc", against="own", seed="ensemble").set_index("task")
    assert rows.loc[list(BASES), "standard_error"].between(0.02, 0.07).all()
    assert (rows["pairs"] == 6).all()
    assert (rows["neighbours"] == 3).all()
    assert (rows["differ"] <= rows["pairs"]).all()
    assert rows.at["mean", "differ"] >= rows.loc[list(BASES), "differ"].max()
    assert np.isnan(rows.at["mean", "standard_error"])


@pytest.mark.slow
def test_models_that_are_alike_seldom_differ():
    panels = panels_of([made_run(f"model{'x' * i}", i, 1.0) for i in range(6)])
    noise = noise_table(metrics_table(panels, n=200), paired_table(panels, n=200))
    rows = of(noise, seed="ensemble", against="own", metric="auroc")
    rows = rows[rows["task"] != "mean"]
    assert rows["differ"].sum() / rows["pairs"].sum() < 0.2


def test_resamples_keep_tasks_and_labels(pool):
    counts = np.vstack(list(resample_counts(pool.test.strata, 30, np.random.default_rng(1))))
    assert counts.shape == (30, 500)
    assert (counts @ (pool.test.own & pool.test.positive) == 50).all()
    assert (counts @ (pool.test.own & ~pool.test.positive) == [50, 54, 50, 50, 50]).all()
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


def test_a_model_of_single_tasks_may_lack_some():
    runs = [*made_runs()[:1], made_run("alone", 1, 2.0, setting="single", tasks=("Y",))]
    runs += [made_run("alone", 1, 2.0, setting="single", tasks=("Cm",))]
    panels = panels_of(runs)
    assert set(of(metrics_table(panels, n=20), model="alone")["task"]) == {"Y", "Cm"}
    rows = of(summary_table(panels, n=20), model="alone", metric="auroc", seed="ensemble")
    assert rows["tasks"].tolist() == [2, 2]
    assert rows["rank"].isna().all()
    pair = of(paired_table(panels, n=20), seed="ensemble", metric="auroc", against="all")
    assert set(pair["task"]) == {"Y", "Cm", "mean"}
    assert pair.set_index("task")["n_positive"].isna().to_dict() == {"Y": False, "Cm": False, "mean": True}


def test_models_that_know_only_own_windows_have_no_published_threshold():
    runs = made_runs()[:4]
    panels = build_panels([own_windows(run) for run in runs], build_pools(runs[:3], TASKS))
    table = metrics_table(panels, n=5)
    assert set(of(table, model="multirm_21")["choice"]) == {"", "validation"}
    assert set(of(table, model="multirm_21")["against"]) == {"own"}
    assert set(of(table, model="multirm_51")["choice"]) == {"", "validation", "published"}
    summary = summary_table(panels, n=5)
    assert set(of(summary, model="multirm_21")["choice"]) == {"", "validation"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[frame["window"] != "Y:test:1:3"], "not scored on the same test windows"),
        (lambda frame: frame.assign(Y=np.nan), "not finite"),
        (lambda frame: frame.drop(columns="base"), "lacks the column base"),
        (lambda frame: frame.drop(columns=list(BASES)), "has no task"),
        (lambda frame: frame.assign(m1A=0.0), "no such task"),
    ],
)
def test_runs_that_do_not_fit_together(change, words):
    good = made_runs()[0]
    with pytest.raises(InputError, match=words):
        build_pools([good, Run("other", "all", "paper", 1, change(good.frame))], TASKS)


def test_unusable_runs():
    run = made_run("multirm_51", 1, 1.0)
    with pytest.raises(InputError, match="is given twice"):
        build_pools([run, run], TASKS)
    assert build_pools([], TASKS) == []
    windows = made_windows()
    lost = windows[(windows["split"] == "test") | (windows["positive"] != "Um")].reset_index(drop=True)
    with pytest.raises(InputError, match="valid split of the scheme paper has 0 windows with Um"):
        build_pools([made_run("multirm_51", 1, 1.0, windows=lost)], TASKS)
