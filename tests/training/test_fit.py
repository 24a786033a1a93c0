"""From splits tables to a model directory; what names the folder of checkpoints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import load_model
from rnamarks.prediction.score import score_windows
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_parquet, read_tsv, write_parquet
from rnamarks.tasks import Task
from rnamarks.training import fit
from rnamarks.training.fit import digest_splits, fit_from_splits, read_split
from rnamarks.training.settings import SiteSettings
from rnamarks.training.trainer import TrainingResult

TASKS = [Task(species, species=species, modification="m6A", base="A") for species in ("mouse", "human")]
SMALL = {"filters": [6, 4], "lstm_units": 3}
SETTINGS = {"batch_size": 16, "steps_per_epoch": 3, "epochs": 2, "stage_epochs": 1}


@pytest.fixture
def splits(world, tmp_path):
    """Splits tables of two species; ``guarded`` has no validation split."""
    training, validation = world
    paths = {}
    for task in training:
        codes = np.concatenate([training[task].codes, validation[task].codes])
        split = np.repeat(["train", "valid"], [len(training[task].codes), len(validation[task].codes)])
        frame = pd.DataFrame(
            {
                "sequence": decode_windows(codes),
                "label": np.concatenate([training[task].labels, validation[task].labels]).astype(np.int64),
                "paper": split,
                "guarded": np.where(split == "train", "train", ""),
            }
        )
        paths[task] = tmp_path / f"{task}.parquet"
        write_parquet(frame, paths[task])
    return paths


@pytest.fixture
def run(splits, tmp_path):
    def run(folder, **changes):
        return fit_from_splits(
            **{
                "splits": splits,
                "tasks": TASKS,
                "scheme": "paper",
                "network": "deepm6aseq",
                "hyperparameters": SMALL,
                "settings": SiteSettings.from_mapping(SETTINGS),
                "seed": 3,
                "checkpoints": tmp_path / "checkpoints",
                "folder": tmp_path / folder,
                "device": "cpu",
                "report": lambda line: None,
            }
            | changes
        )

    return run


@pytest.fixture
def digest(run, monkeypatch):
    """The name of the checkpoint folder that a training would have."""
    monkeypatch.setattr(fit, "save_model", lambda *_: None)

    def digest(settings=SETTINGS, **changes):
        found = []

        def note(*_, checkpoints, **__):
            found.append(checkpoints.name)
            return TrainingResult({}, [{"epoch": 1}], 1)

        monkeypatch.setattr(fit, "train", note)
        run("model", settings=SiteSettings.from_mapping(settings), **changes)
        return found[0]

    return digest


def test_a_split_of_a_scheme_is_read_as_codes_and_labels(splits, world):
    for split, expected in zip(("train", "valid"), world, strict=True):
        found = read_split(splits["mouse"], "paper", split)
        assert np.array_equal(found.codes, expected["mouse"].codes)
        assert np.array_equal(found.labels, expected["mouse"].labels)
        assert (found.codes.dtype, found.labels.dtype) == (np.uint8, bool)


def test_a_split_that_is_not_there_is_refused(splits, tmp_path):
    with pytest.raises(InputError, match=r"mouse.parquet: no window of the split 'valid' of the scheme 'guarded'"):
        read_split(splits["mouse"], "guarded", "valid")
    with pytest.raises(InputError, match=r"mouse.parquet: the table lacks the column random"):
        read_split(splits["mouse"], "random", "train")
    with pytest.raises(InputError, match="no such file"):
        read_split(tmp_path / "none.parquet", "paper", "train")


def test_a_training_writes_a_model_directory(run, world, tmp_path):
    history = run("model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "weights.safetensors",
        "config.json",
        "history.tsv",
    }
    model, config = load_model(tmp_path / "model")
    assert (config.model, config.tasks, config.window, config.members) == ("deepm6aseq", TASKS, 21, 1)
    assert (config.training["scheme"], config.training["seed"]) == ("paper", 3)
    assert config.training["settings"]["steps_per_epoch"] == 3
    assert config.training["windows"] == {
        task: {"positives": int(data.labels.sum()), "negatives": int((~data.labels).sum())}
        for task, data in world[0].items()
    }
    rows = history[history["epoch"] == config.training["best_epoch"]]
    logits = score_windows(model, world[1]["human"].codes, "human")
    area = roc_auc_score(world[1]["human"].labels, logits)
    assert rows.set_index("task").loc["human", "auroc"] == pytest.approx(area, abs=1e-6)
    written, _ = read_tsv(tmp_path / "model" / "history.tsv")
    pd.testing.assert_frame_equal(written, history, rtol=1e-9)


def test_another_seed_has_other_weights_and_its_own_checkpoints(run, tmp_path):
    for folder, seed in (("first", 3), ("again", 3), ("other", 4)):
        run(folder, seed=seed)
    first, again, other = (load_model(tmp_path / name)[0].state_dict() for name in ("first", "again", "other"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_a_missing_validation_split_is_said_before_training(run, tmp_path):
    with pytest.raises(InputError, match="'valid' of the scheme 'guarded'"):
        run("model", scheme="guarded")
    assert not (tmp_path / "checkpoints").exists()


def changed(path, change, folder, **options):
    """A copy of a splits table after a change."""
    frame, _ = read_parquet(path)
    copy = folder / f"{len(list(folder.iterdir()))}.parquet"
    change(frame)
    if options:
        frame.to_parquet(copy, **options)
    else:
        write_parquet(frame, copy)
    return copy


def test_what_decides_the_weights_names_the_checkpoints(digest, splits, tmp_path):
    def swap(frame):
        frame.iloc[[0, 1]] = frame.iloc[[1, 0]].to_numpy()

    def relabel(frame):
        frame.loc[0, "label"] = 1 - frame.loc[0, "label"]

    def mutate(frame):
        frame.loc[0, "sequence"] = ("C" if frame.loc[0, "sequence"][0] == "A" else "A") + frame.loc[0, "sequence"][1:]

    def shorten(frame):
        frame.loc[0, "paper"] = ""

    def move_a_letter(frame):
        first, second = frame["sequence"][:2]
        frame["sequence"] = frame["sequence"].astype(object)
        frame.loc[0, "sequence"], frame.loc[1, "sequence"] = first + second[0], second[1:]

    names = [
        digest(),
        digest(seed=4),
        digest(settings=SETTINGS | {"epochs": 3}),
        digest(settings=SETTINGS | {"learning_rate": 0.002}),
        digest(hyperparameters=SMALL | {"lstm_units": 4}),
        digest(network="mass", hyperparameters={}),
        digest(threads=2),
        digest(tasks=TASKS[::-1]),
        digest(splits={"human": splits["mouse"], "mouse": splits["human"]}),
        *(
            digest(splits=splits | {task: changed(splits[task], change, tmp_path)})
            for task in splits
            for change in (swap, relabel, mutate, shorten)
        ),
    ]
    assert len(set(names)) == len(names)
    moved = changed(splits["mouse"], move_a_letter, tmp_path)
    assert digest_splits({"a": moved}, "paper", "train") != digest_splits({"a": splits["mouse"]}, "paper", "train")


def test_where_and_how_it_runs_does_not_name_them(digest, splits, tmp_path):
    names = {
        digest(),
        digest(checkpoints=tmp_path / "elsewhere"),
        digest(device="auto"),
        digest(report=lambda line: None),
        digest(settings=dict(reversed(SETTINGS.items()))),
    }
    assert len(names) == 1


def test_what_only_evaluation_reads_does_not_name_them(digest, splits, tmp_path):
    """Another scheme, other columns, test windows and the layout of the file: a checkpoint is not lost to them."""

    def guard(frame):
        frame["guarded"] = ""

    def describe(frame):
        frame.insert(0, "region", "cds")
        frame["support"] = 2

    def test_more(frame):
        frame.loc[len(frame)] = ["ACGU" * 5 + "A", 1, "test", "test"]

    def retype(frame):
        frame["label"] = frame["label"].astype(np.int8)
        frame["paper"] = frame["paper"].astype("category")

    expected = digest()
    for change in (guard, describe, test_more, retype):
        assert digest(splits=splits | {"mouse": changed(splits["mouse"], change, tmp_path)}) == expected, change
    for options in ({"row_group_size": 7}, {"compression": None}):
        path = changed(splits["mouse"], lambda frame: None, tmp_path, **options)
        assert digest(splits=splits | {"mouse": path}) == expected


def test_another_version_does_not_go_on_from_an_old_state(digest, monkeypatch):
    before = digest()
    monkeypatch.setattr(fit, "__version__", "0.0.0+other")
    assert digest() != before
