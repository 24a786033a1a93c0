"""The scripts from splits tables to a released model with a student and a card."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from rnamarks.models.checkpoint import load_model
from rnamarks.models.student import load_student
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_tsv, write_parquet, write_tsv
from rnamarks.tasks import Task
from stand_in import run_script

TASKS = [Task("m6A_human", species="human", modification="m6A", base="A", label="m⁶A"), Task("m6A_mouse", base="A")]
NETWORK = {
    "network": "deepm6aseq",
    "hyperparameters": {"filters": [6, 4], "lstm_units": 3},
    "training": {"batch_size": 16, "steps_per_epoch": 3, "epochs": 2, "learning_rate": "1e-3"},
}
# as of a run from files of one's own
NO_SOURCES = pd.DataFrame(columns=["subject", "role", "reference", "version", "url", "licence", "citation"])
STUDENT = {
    "hyperparameters": {"width": 5, "filters": 4, "channels": 4, "hidden": 4},
    "training": {"copies": 0.5, "minimum": 1, "batch_size": 32, "epochs": 2},
}


@pytest.fixture
def run(tmp_path, repository):
    """Runs a script as Snakemake does, with resources of the whole run."""

    def run(script, **named):
        run_script(script, tmp_path / "log.txt", resources={"checkpoints": str(tmp_path / "checkpoints")}, **named)

    return run


@pytest.fixture
def splits(world, tmp_path):
    paths = []
    for task, training, validation in zip(TASKS, *map(dict.values, world), strict=True):
        codes = np.concatenate([training.codes, validation.codes])
        codes[:, 10] = 0
        labels = np.concatenate([training.labels, validation.labels])
        split = np.repeat(["train", "valid"], [len(training.codes), len(validation.codes)])
        split[-60:] = "test"
        paths.append(tmp_path / f"{task.name}.parquet")
        frame = pd.DataFrame({"sequence": decode_windows(codes), "label": labels.astype(np.int64), "paper": split})
        write_parquet(frame, paths[-1])
    return paths


def predicted(seed: int) -> pd.DataFrame:
    """Logits of 60 windows of each task, half of them for calibration."""
    random = np.random.default_rng(seed)
    frames = []
    for task in TASKS:
        label = np.tile([1, 0], 30)
        row = {"window": [f"{task.name}{at}" for at in range(60)], "task": task.name, "label": label}
        row |= {"split": np.repeat(["valid", "test"], 30), "logit": random.normal(label - 0.5, 1)}
        frames.append(pd.DataFrame(row)[["window", "task", "split", "label", "logit"]])
    return pd.concat(frames, ignore_index=True)


def test_from_splits_to_a_model_with_a_student_and_a_card(run, splits, tmp_path):
    records = [{key: value for key, value in task.record().items() if key != "label"} for task in TASKS]
    weights = []
    for seed in (1, 2):
        weights.append(tmp_path / str(seed) / "weights.safetensors")
        params = {"tasks": records, "network": NETWORK, "curriculum": "round_robin", "scheme": "paper", "seed": seed}
        run(
            "training/train_model",
            inputs={"splits": splits},
            outputs={"weights": weights[-1]},
            params=params | {"name": f"net {seed}"},
        )
        history, _ = read_tsv(weights[-1].with_name("history.tsv"))
        assert list(history.columns[:3]) == ["epoch", "stage", "task"]
        assert list(history["task"]) == ["m6A_human", "m6A_mouse"] * 2
    row = {"prevalence": 0.3, "slope": 1.0, "intercept": 0.0, "method": "prior", "fitted_on": "valid"}
    row |= {"n_positive": 30, "n_negative": 70, "target_precision": 0.9, "probability": 0.5, "note": ""}
    row |= {"precision": 0.9, "recall": 0.4, "model": "net", "setting": "both", "scheme": "paper", "split": "test"}
    row |= {"seed": "ensemble", "against": "own", "choice": "", "value": 0.7, "low": 0.6, "high": 0.8, "label": "all"}
    table = pd.DataFrame([row | {"task": task.name, "metric": m} for task in TASKS for m in ("auroc", "auprc")])
    table = table.assign(kind="exact_own", n=10, n_leaky=1, fraction=0.1)
    tables = {name: tmp_path / f"{name}.tsv" for name in ("metrics", "leaks", "sources")}
    for name, path in tables.items():
        write_tsv(NO_SOURCES if name == "sources" else table, path)
    predictions = [tmp_path / f"{seed}.parquet" for seed in (1, 2)]
    for seed, path in enumerate(predictions):
        write_parquet(predicted(seed), path)
    model = tmp_path / "model"
    fitted = {name: model / f"{name}.tsv" for name in ("calibration", "thresholds")}
    release = {"model": "net", "setting": "both", "scheme": "paper"}
    run(
        "models/release_model",
        inputs={"weights": weights, "baselines": [], "stack": [], "combiner": [], "predictions": predictions},
        outputs={"weights": model / "weights.safetensors"} | fitted,
        params={
            "predictor": release,
            "precisions": [0.6],
            "ranks_only": [],
            "tasks": [task.record() for task in TASKS],
        },
    )
    config = load_model(model)[1]
    assert config.tasks == TASKS
    assert set(config.calibration) == {"m6A_human", "m6A_mouse"}
    for path in fitted.values():
        assert set(read_tsv(path)[0]["task"]) == {"m6A_human", "m6A_mouse"}
    run(
        "models/write_card",
        inputs={"config": model / "config.json", "laboratories": []} | tables,
        outputs={},
        params={"release": release, "run": "test", "licence": "", "resampled": "windows", "limits": []},
    )
    assert (model / "card.md").read_text(encoding="utf-8").startswith("# deepm6aseq: m⁶A, m6A_mouse\n")
    run(
        "training/distil_student",
        inputs={"weights": model / "weights.safetensors", "splits": splits},
        outputs={"history": tmp_path / "history.tsv", "modes": tmp_path / "modes.tsv"},
        params={
            "tasks": [task.name for task in TASKS],
            "student": STUDENT,
            "scheme": "paper",
            "seed": 1,
            "bootstrap": 20,
        },
    )
    student, settings = load_student(model)
    assert student.tasks == list(settings["agreement"]) == ["m6A_human", "m6A_mouse"]
    modes, _ = read_tsv(tmp_path / "modes.tsv")
    assert list(modes.columns[:3]) == ["task", "species", "modification"]
    assert list(modes["species"].fillna("")) == ["human", "", ""]
    history, _ = read_tsv(tmp_path / "history.tsv")
    assert list(history.columns) == ["epoch", "loss", "agreement", "seconds", "windows_per_second"]


def test_line_search(run, splits, tmp_path):
    search = {"grid": {"training.learning_rate": [1e-3, "2e-2"]}, "folds": 2, "scheme": "paper"}
    run(
        "training/line_search",
        inputs={"splits": splits},
        outputs={"table": tmp_path / "table.tsv", "best": tmp_path / "best.yaml"},
        params={
            "search": search,
            "network": NETWORK,
            "tasks": [task.name for task in TASKS],
            "curriculum": "round_robin",
            "seed": 1,
        },
    )
    assert len(read_tsv(tmp_path / "table.tsv")[0]) == 4
    best = yaml.safe_load((tmp_path / "best.yaml").read_text())
    assert set(best) == {"hyperparameters", "training"}
