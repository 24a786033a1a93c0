"""Boosted trees on letters by position: features, classes and odds by hand, signals found, files there and back."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from rnamarks.errors import InputError
from rnamarks.models.baseline_files import load_baselines, rebuild_stack, save_baselines, stack_arrays
from rnamarks.models.baselines import BASELINES, fit_baselines
from rnamarks.models.boosting import multiclass_windows, one_hot
from rnamarks.models.directory import WEIGHTS, ModelConfig
from rnamarks.sequences import decode_windows, encode_windows
from rnamarks.tables import read_parquet, write_parquet
from rnamarks.tasks import Task
from stand_in import run_script

SINGLE = ["catboost_one_hot", "xgboost_one_hot"]
JOINT = ["catboost_multiclass", "xgboost_multiclass"]
LIBRARIES = {"catboost": ("catboost_one_hot", "catboost_multiclass"), "xgboost": ("xgboost_one_hot",)}
# base in the middle, and what stands beside it in positives
SITES = {"m6A": (0, [2, 0, 1]), "Gm": (2, [0, 2, 0]), "Y": (3, [3, 3, 1])}
RECORDS = [Task(name, modification=name, base="ACGU"[base]) for name, (base, _) in SITES.items()]


def world(seed=0, n=400, width=21):
    """Windows and labels of three tasks, each with its own base and motif; a tenth of the labels are wrong."""
    random = np.random.default_rng(seed)
    codes, labels = {}, {}
    for task, (base, motif) in SITES.items():
        table = random.integers(0, 4, (n, width)).astype(np.uint8)
        table[:, width // 2] = base
        truth = random.random(n) < 0.4
        table[truth, width // 2 - 1 : width // 2 + 2] = motif
        codes[task], labels[task] = table, truth ^ (random.random(n) < 0.1)
    return codes, labels


def make(name, **changes):
    return BASELINES[name](**{"trees": 25, "depth": 3} | changes)


def test_letters_by_position_by_hand():
    found = one_hot(encode_windows(["ACN", "GUU"]))
    assert found.tolist() == [[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1]]


def test_classes_and_weights_by_hand():
    windows = {
        "a": encode_windows(["AAA", "CCC", "GGG", "AAA"]),
        "b": encode_windows(["UUU", "AAA", "GGG", "CAC", "ACA"]),
    }
    labels = {"a": np.array([True, False, False, False]), "b": np.array([True, True, False, False, True])}
    codes, classes, weights = multiclass_windows(windows, labels)
    found = list(zip(decode_windows(codes), classes.tolist(), strict=True))
    # AAA is modified in both and unmodified in neither
    assert found == [("AAA", 0), ("CCC", 2), ("GGG", 2), ("UUU", 1), ("AAA", 1), ("GGG", 2), ("CAC", 2), ("ACA", 1)]
    assert weights.mean() == pytest.approx(1)
    total = np.bincount(classes, weights=weights)
    assert total / total.sum() == pytest.approx([0.25, 0.25, 0.5])


def test_windows_that_cannot_be_one_classifier():
    codes, labels = world(n=20)
    with pytest.raises(InputError, match=r"several widths .*19, 21"):
        multiclass_windows(codes | {"Y": codes["Y"][:, 1:-1]}, labels)
    same = np.zeros((2, 5), dtype=np.uint8)
    with pytest.raises(InputError, match="every unmodified window is a modified one"):
        multiclass_windows({"a": same}, {"a": np.array([True, False])})


@pytest.mark.parametrize("name", SINGLE)
def test_a_task_alone(name):
    (codes, labels), (new_codes, new_labels) = world(1), world(2)
    fitted = make(name).fit(codes["Y"], labels["Y"], seed=1)
    logits = fitted.logit(new_codes["Y"])
    assert roc_auc_score(new_labels["Y"], logits) > 0.85
    # 60 % of the training windows are unmodified, but log odds are for as many of either
    rare = labels["Y"] & (np.arange(400) % 10 > 0)
    few = make(name).fit(codes["Y"][~rare], labels["Y"][~rare], seed=1).logit(new_codes["Y"])
    assert abs(few.mean() - logits.mean()) < 0.45 * np.log(10)
    with pytest.raises(TypeError, match="one task at a time"):
        make(name).fit_tasks(codes, labels)


@pytest.mark.parametrize("name", JOINT)
def test_all_tasks_together(name):
    (codes, labels), (new_codes, new_labels) = world(1), world(2)
    tasks = make(name).fit_tasks(codes, labels, seed=1)
    assert list(tasks) == list(SITES)
    assert tasks["m6A"].booster is tasks["Y"].booster
    for task in SITES:
        assert roc_auc_score(new_labels[task], tasks[task].logit(new_codes[task])) > 0.8
        others = np.concatenate([new_codes[other] for other in SITES if other != task])
        assert np.median(tasks[task].logit(others)) < np.median(tasks[task].logit(new_codes[task])[~new_labels[task]])


@pytest.mark.parametrize("name", JOINT)
def test_logits_are_odds_of_a_class_at_one_to_one(name):
    codes, labels = world(n=200)
    tasks = make(name).fit_tasks(codes, labels, seed=1)
    margins = tasks["m6A"]._margin(one_hot(codes["Gm"]))
    assert margins.shape == (200, 4)
    shares = softmax(margins.astype(float), axis=1)
    for place, task in enumerate(SITES):
        # a task has one sixth of the training weight, odds of 1 to 5
        expected = np.log(shares[:, place] / (1 - shares[:, place]) * 5)
        assert tasks[task].logit(codes["Gm"]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", SINGLE + JOINT)
def test_the_same_seed_gives_the_same_bytes(name):
    codes, labels = world(n=150)
    first, again, other = (make(name, trees=10).fit(codes["Y"], labels["Y"], seed=seed) for seed in (1, 1, 2))
    assert first.booster.tobytes() == again.booster.tobytes()
    assert first.booster.tobytes() != other.booster.tobytes()


def test_catboost_gives_the_same_bytes_in_another_process():
    code = (
        "import hashlib, numpy as np\n"
        "from rnamarks.models.baselines import BASELINES\n"
        "random = np.random.default_rng(0)\n"
        "codes, labels = random.integers(0, 5, (100, 9)).astype(np.uint8), np.arange(100) % 2 == 0\n"
        "fitted = BASELINES['catboost_one_hot'](trees=5).fit(codes, labels, seed=1)\n"
        "print(hashlib.sha256(fitted.booster.tobytes()).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here: dict = {}
    exec(code.replace("print(", "found = ("), here)
    assert done.stdout.strip() == here["found"]


@pytest.mark.parametrize("name", JOINT)
def test_what_tasks_share_is_written_once(tmp_path, name):
    codes, labels = world(n=150)
    tasks = make(name).fit_tasks(codes, labels, seed=1)
    save_baselines(tmp_path, name, tasks, RECORDS)
    assert (tmp_path / WEIGHTS).stat().st_size < 1.2 * tasks["Y"].booster.size + 2000
    again, config = load_baselines(tmp_path)
    assert config.tasks == RECORDS
    for task in SITES:
        assert again[task].place == tasks[task].place
        assert np.array_equal(again[task].logit(codes[task]), tasks[task].logit(codes[task]))
    strangers = tasks | {"Y": make(name).fit_tasks(codes, labels, seed=2)["Y"]}
    with pytest.raises(ValueError, match="several fits"):
        save_baselines(tmp_path / "odd", name, strangers, RECORDS)


def test_joint_baselines_of_a_stack_round_trip(tmp_path):
    codes, labels = world(n=150)
    names = ["xgboost_multiclass", "catboost_multiclass"]
    baselines = {name: make(name).fit_tasks(codes, labels, seed=1) for name in names}
    weights = {task: {"network": 0.5, **dict.fromkeys(names, 0.25)} for task in SITES}
    known = {name: tasks["Y"].hyperparameters() for name, tasks in baselines.items()}
    stack = {"network": "network", "weights": weights, "baselines": known}
    arrays = stack_arrays(baselines)
    assert sum(name.endswith(".booster") for name in arrays) == 2
    again = rebuild_stack(ModelConfig("multirm", RECORDS, 21, stack=stack), arrays, tmp_path / WEIGHTS)
    for name in names:
        for task in SITES:
            assert np.array_equal(again[name][task].logit(codes[task]), baselines[name][task].logit(codes[task]))
    del arrays["xgboost_multiclass..booster"]
    with pytest.raises(InputError, match="unknown or missing arrays"):
        rebuild_stack(ModelConfig("multirm", RECORDS, 21, stack=stack), arrays, tmp_path / WEIGHTS)


@pytest.mark.parametrize(("library", "name"), [(key, name) for key, names in LIBRARIES.items() for name in names])
def test_without_the_library_it_is_said_before_anything_is_scored(monkeypatch, library, name):
    codes, labels = world(n=60)
    fitted = make(name, trees=3).fit(codes["Y"], labels["Y"], seed=4)
    arrays = fitted.to_arrays()
    with pytest.raises(InputError, match="the boosted trees cannot be read"):
        BASELINES[name].from_arrays(arrays | {"booster": np.zeros(10, dtype=np.uint8)}, fitted.hyperparameters())
    # other bytes than those that are kept in memory, and what sys.modules holds as None cannot be imported
    other = make(name, trees=4).fit(codes["Y"], labels["Y"], seed=4).to_arrays()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=f"needs {library}, which is not installed"):
        make(name, trees=3).fit(codes["Y"], labels["Y"])
    if name not in JOINT:
        with pytest.raises(InputError, match=f"needs {library}, which is not installed"):
            BASELINES[name].from_arrays(other, fitted.hyperparameters())


@pytest.fixture
def frames():
    codes, labels = world(n=300)
    return {
        task: pd.DataFrame(
            {
                "window": [f"{task}:{i}" for i in range(300)],
                "task": task,
                "sequence": decode_windows(codes[task]),
                "label": labels[task].astype(np.int64),
                "paper": np.resize(["train", "train", "train", "valid", "test", ""], 300),
            }
        )
        for task in codes
    }


def test_predictions_of_a_joint_baseline(frames):
    chosen = {"trees": 10, "depth": 3}
    tasks, predictions = fit_baselines(
        frames, "xgboost_multiclass", tasks=RECORDS, scheme="paper", seed=2, hyperparameters=chosen
    )
    assert predictions.groupby(["task", "split"]).size().to_dict() == {
        (task, split): 50 for task in frames for split in ("valid", "test")
    }
    train = {task: frame[frame["paper"] == "train"] for task, frame in frames.items()}
    expected = make("xgboost_multiclass", trees=10).fit_tasks(
        {task: encode_windows(frame["sequence"]) for task, frame in train.items()},
        {task: frame["label"] for task, frame in train.items()},
        seed=2,
    )
    assert tasks["Y"].booster.tobytes() == expected["Y"].booster.tobytes()
    frames["Gm"].loc[frames["Gm"]["paper"] == "train", "label"] = 0
    with pytest.raises(InputError, match="Gm: 0 positives"):
        fit_baselines(frames, "xgboost_multiclass", tasks=RECORDS, scheme="paper", hyperparameters=chosen)


def test_script(frames, tmp_path, repository):
    paths = []
    for task, frame in frames.items():
        paths.append(tmp_path / f"{task}.parquet")
        write_parquet(frame, paths[-1])
    params = {"baseline": "catboost_multiclass", "scheme": "paper", "seed": 1}
    run_script(
        "models/fit_baseline",
        tmp_path / "log.txt",
        inputs={"splits": paths},
        outputs={"predictions": tmp_path / "predictions.parquet", "weights": tmp_path / "model" / WEIGHTS},
        params={"tasks": [task.record() for task in RECORDS], **params},
    )
    found, _ = read_parquet(tmp_path / "predictions.parquet", ["window", "task", "split", "label", "logit"])
    tasks, config = load_baselines(tmp_path / "model")
    assert config.tasks == RECORDS
    for task, frame in frames.items():
        table = found[found["task"] == task].set_index("window")["logit"]
        codes = encode_windows(frame.set_index("window").loc[table.index, "sequence"])
        assert np.array_equal(tasks[task].logit(codes), table)
