"""The metrics border and its companions, from predictions of simulated models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.calibrate import calibrate
from rnamarks.evaluation.metrics import expected_calibration_error, prevalence_weights
from rnamarks.evaluation.panels import build_panels
from rnamarks.evaluation.seeds import Run
from rnamarks.evaluation.tables import (
    calibration_table,
    metrics_table,
    paired_table,
    reliability_tables,
    similarity_table,
    threshold_tables,
)
from rnamarks.tables import read_tsv, write_parquet, write_tsv
from stand_in import run_script

from .made import TASKS, made_runs, of, own_windows

SIZES = {"human": (400, 600), "mouse": (300, 500)}


def predictions(tasks, strength, seed):
    """A predictions frame; ``strength`` is how far apart the two labels' logits lie."""
    noise = np.random.default_rng(seed)
    tables = []
    for index, name in enumerate(tasks):
        world = np.random.default_rng(100 + index)
        for split, n in zip(("valid", "test"), SIZES[name], strict=True):
            labels = (world.random(n) < 0.3).astype(int)
            shared = world.normal(size=n)
            logit = strength * (labels + shared) + 0.4 * noise.normal(size=n)
            table = pd.DataFrame({"window": [f"{name}:{split}:{i}" for i in range(n)], "task": name, "split": split})
            tables.append(table.assign(label=labels, logit=logit))
    return pd.concat(tables, ignore_index=True).sample(frac=1, random_state=seed)


@pytest.fixture
def runs():
    both = ("human", "mouse")
    found = [Run("mass", "two", "paper", seed, predictions(both, 1.0, seed)) for seed in (1, 2, 3)]
    found += [Run("mass", "single", "paper", 1, predictions(("human",), 1.0, 5))]
    mouse = predictions(both, 1.0, 6)
    found += [Run("mass", "single", "paper", 1, mouse[mouse["task"] == "mouse"])]
    return [*found, Run("chance", "single", "paper", 0, predictions(both, 0.0, 7))]


def test_metrics_of_seeds_mean_and_ensemble(runs):
    panels = build_panels(runs, splits=("test", "valid"))
    table = metrics_table(panels, n=200)
    assert list(table.columns) == column_names("metrics", task_columns=False)
    assert not table.duplicated([*column_names("metrics", task_columns=False)[:9]]).any()
    mine = of(table, model="mass", setting="two", task="mouse", split="test", metric="auroc").set_index("seed")
    assert list(mine.index) == ["1", "2", "3", "ensemble", "mean"]
    frames = [of(run.frame, task="mouse", split="test").sort_values("window") for run in runs[:3]]
    labels = frames[0]["label"]
    areas = [roc_auc_score(labels, frame["logit"]) for frame in frames]
    assert mine.loc[["1", "2", "3"], "value"].tolist() == pytest.approx(areas)
    assert mine.at["mean", "value"] == pytest.approx(np.mean(areas))
    together = np.mean([frame["logit"] for frame in frames], axis=0)
    assert mine.at["ensemble", "value"] == pytest.approx(roc_auc_score(labels, together))
    assert mine.at["ensemble", "value"] > mine.at["mean", "value"]
    assert (mine["n_positive"] == labels.sum()).all()
    assert mine["prevalence"].to_numpy() == pytest.approx(labels.mean())
    other = of(table, model="mass", setting="two", task="mouse", split="test", seed="1", choice="")
    other = other.set_index("metric")["value"]
    weights = prevalence_weights(labels, 1 / 11)
    expected = average_precision_score(labels, frames[0]["logit"], sample_weight=weights)
    assert other["auprc_1to10"] == pytest.approx(expected)
    assert other["auprc_ratio"] == pytest.approx(other["auprc"] / labels.mean())
    assert other["auprc_1to1"] > other["auprc"] > other["auprc_1to10"]
    bounded = table[~table["metric"].isin(["ece", "ece_noise"])]
    assert (bounded["low"] <= bounded["high"]).all()
    assert {"brier", "log_loss", "ece", "ece_noise", "mcc"} <= set(table["metric"])


def test_mean_of_one_seed_is_that_seed(runs):
    table = metrics_table(build_panels(runs), n=50)
    mine = of(table, model="chance", task="human").drop(columns=["seed", "threshold"])
    seed, mean = (mine[of(table, model="chance", task="human")["seed"] == name] for name in ("0", "mean"))
    pd.testing.assert_frame_equal(seed.reset_index(drop=True), mean.reset_index(drop=True))


def test_pairs_share_resamples_and_find_the_better_model(runs):
    panels = build_panels(runs)
    table = paired_table(panels, reference=("mass", "two"), n=300)
    # two tasks and their mean
    assert len(table) == 3 * 3 * 2 * 2
    against = of(table, model_b="chance", metric="auprc", task="human", seed="mean")
    assert against[["model_a", "setting_a"]].to_numpy().tolist() == [["mass", "two"], ["mass", "single"]]
    assert (against["low"] > 0).all()
    assert (against["p"] < 0.02).all()
    first = table[(table["model_a"] == "mass") & (table["setting_a"] == "two")]
    assert len(first) == 2 * 3 * 2 * 2
    assert table["difference"].to_numpy() == pytest.approx((table["value_a"] - table["value_b"]).to_numpy())


def test_calibration_reliability_and_thresholds(runs):
    panels = build_panels(runs)
    calibration = calibration_table(panels)
    assert set(of(calibration, model="mass")["method"]) == {"platt"}
    row = of(calibration, model="mass", setting="two", task="human", seed="ensemble").iloc[0]
    panel = next(panel for panel in panels if panel.task == "human")
    place = panel.keys.index[
        (panel.keys["model"] == "mass") & (panel.keys["setting"] == "two") & (panel.keys["seed"] == "ensemble")
    ][0]
    assert row["ece"] == pytest.approx(expected_calibration_error(panel.labels, panel.probabilities[place]))
    assert row["ece"] < row["ece_raw"]
    reliability = reliability_tables(panels)
    chosen = of(reliability, model="mass", setting="two", task="human", seed="ensemble")
    assert chosen["n"].sum() == 600
    thresholds = threshold_tables(panels, precisions=(0.5, 0.999))
    mine = of(thresholds, model="mass", setting="two", task="mouse", seed="ensemble").set_index("target_precision")
    assert mine.at[0.5, "note"] == ""
    assert mine.at[0.999, "note"].startswith("not reachable")
    assert thresholds.columns[:6].tolist() == ["model", "setting", "scheme", "task", "seed", "split"]


def test_too_small_validation_split_says_so(runs):
    small = []
    for run in runs[:3]:
        lost = (run.frame["split"] == "valid") & (run.frame["window"].str.extract(r"(\d+)$")[0].astype(int) > 20)
        small.append(Run(run.model, run.setting, run.scheme, run.seed, run.frame[~lost]))
    table = calibration_table(build_panels(small))
    assert set(table["method"]) == {"prior"}


def test_similarity_bins(runs):
    panels = build_panels(runs)
    windows = np.concatenate([panel.windows for panel in panels])
    identity = pd.DataFrame({"window": windows, "max_identity": np.linspace(0.55, 1.0, len(windows))})
    identity = identity.assign(scheme="paper", task=identity["window"].str.split(":").str[0])
    identity.loc[identity["window"] == "human:test:0", "max_identity"] = np.nan
    table = similarity_table(panels, identity, n=50)
    mine = of(table, model="mass", setting="two", task="human", seed="mean", metric="auroc").set_index("identity_from")
    counts = mine["n_positive"] + mine["n_negative"]
    assert counts.sum() == 600
    assert counts[0.0] == 1
    assert np.isnan(mine.at[0.0, "value"])
    filled = mine[mine[["n_positive", "n_negative"]].min(axis=1) >= 20]
    assert len(filled) >= 2
    assert filled["value"].between(0.6, 0.95).all()
    with pytest.raises(InputError, match="have no identity"):
        similarity_table(panels, identity[identity["window"] != "mouse:test:5"], n=10)


def test_calibration_of_one_predictor_is_that_of_the_evaluation(runs):
    panels = build_panels(runs)
    for model, setting in (("mass", "two"), ("mass", "single")):
        frames = [run.frame for run in runs if (run.model, run.setting) == (model, setting)]
        found = calibrate(frames, model=model, setting=setting, scheme="paper", precisions=(0.5, 0.9))
        for table, whole in zip(
            found, (calibration_table(panels), threshold_tables(panels, precisions=(0.5, 0.9))), strict=True
        ):
            expected = of(whole, model=model, setting=setting, seed="ensemble")
            order = {"by": "task", "kind": "stable", "ignore_index": True}
            pd.testing.assert_frame_equal(table.sort_values(**order), expected.sort_values(**order))
            assert set(table["task"]) == {"human", "mouse"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[frame["window"] != "human:test:3"], "do not have the same test windows of human"),
        (lambda frame: frame.assign(label=1 - frame["label"]), "do not have the same .* labels"),
        (lambda frame: frame.assign(logit=np.nan), "other .two, paper, seed 1., test windows of .*: the score"),
        (lambda frame: frame[frame["split"] == "test"], "no validation windows"),
    ],
)
def test_runs_that_do_not_fit_together(runs, change, words):
    other = Run("other", "two", "paper", 1, change(runs[0].frame))
    with pytest.raises(InputError, match=words):
        build_panels([runs[0], other])


def test_unusable_runs(runs):
    frame = runs[0].frame
    with pytest.raises(InputError, match="given twice for"):
        build_panels([runs[0], runs[0]])
    with pytest.raises(InputError, match="predicted twice"):
        build_panels([Run("mass", "two", "paper", 1, pd.concat([frame, frame]))])
    with pytest.raises(InputError, match="lacks the column logit"):
        build_panels([Run("mass", "two", "paper", 1, frame.drop(columns="logit"))])
    with pytest.raises(InputError, match="no predictions"):
        build_panels([])
    with pytest.raises(InputError, match=r"all \d+ windows have the label 1"):
        build_panels([Run("mass", "two", "paper", 1, frame[frame["label"] == 1])])


def write_all(frames, folder):
    """Parquet files of frames."""
    paths = []
    for index, frame in enumerate(frames):
        paths.append(folder / f"{index}.parquet")
        folder.mkdir(exist_ok=True)
        write_parquet(frame, paths[-1])
    return paths


def record(run):
    return {"model": run.model, "setting": run.setting, "scheme": run.scheme, "seed": run.seed}


@pytest.mark.slow
@pytest.mark.parametrize("all_tasks", [True, False])
def test_script_writes_all_tables(tmp_path, repository, all_tasks):
    runs = made_runs()
    task_runs = runs[:5] if all_tasks else []
    windows = runs[0].frame[["window", "own"]].assign(scheme="paper", max_identity=0.7)
    identity = windows.assign(task=windows["own"].str.split(",")).explode("task")
    write_parquet(identity, tmp_path / "identity.parquet")
    names = [
        "metrics",
        "calibration",
        "reliability",
        "thresholds",
        "paired",
        "summary",
        "noise",
        "similarity",
        "curves",
    ]
    run_script(
        "evaluation/evaluate_models",
        tmp_path / "log.txt",
        inputs={
            "predictions": write_all([own_windows(run).frame for run in runs], tmp_path / "own"),
            "tasks": write_all([run.frame for run in task_runs], tmp_path / "all"),
            "identity": tmp_path / "identity.parquet",
            "splits": [],
        },
        outputs={name: tmp_path / f"{name}.tsv" for name in names},
        params={
            "runs": [record(run) for run in runs],
            "task_runs": [record(run) for run in task_runs],
            "tasks": [task.record() for task in TASKS],
            "release": {"model": "multirm_51", "setting": "all", "scheme": "paper"},
            "settings": {},
            "resampled": [],
            "bootstrap": 10,
            "precisions": [0.5],
            "seed": 1,
        },
    )
    tables = {name: read_tsv(tmp_path / f"{name}.tsv")[0] for name in names}
    for name, table in tables.items():
        assert len(table), name
        if name != "summary":
            at = list(table.columns).index("task")
            assert list(table.columns[at : at + 3]) == ["task", "species", "modification"]
    assert set(tables["metrics"]["split"]) == {"test", "valid"}
    for name in ("metrics", "paired", "noise", "curves", "summary"):
        assert set(tables[name]["against"]) == ({"own", "all"} if all_tasks else {"own"})
    write_tsv(tables["metrics"], tmp_path / "again.tsv")
    assert (tmp_path / "again.tsv").read_bytes() == (tmp_path / "metrics.tsv").read_bytes()


def test_a_predictor_is_calibrated_on_its_own_predictions(runs):
    calibration, thresholds = calibrate(
        [run.frame for run in runs[:3]], model="mass", setting="two", scheme="paper", precisions=[0.5]
    )
    expected = of(calibration_table(build_panels(runs)), model="mass", setting="two", seed="ensemble")
    assert calibration["slope"].tolist() == pytest.approx(expected["slope"].tolist(), rel=1e-6)
    assert thresholds["target_precision"].tolist() == [0.5, 0.5]
