"""The line search tries one parameter after the other and goes on where it was stopped."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.training.line_search import folds_of, line_search

NETWORK = {"filters": [8, 4], "lstm_units": 3, "dropout": 0.0}
SETTINGS = {"batch_size": 32, "steps_per_epoch": 15, "epochs": 2, "learning_rate": 0.02}


def search(world, folder, lines):
    return line_search(
        "deepm6aseq",
        NETWORK,
        SETTINGS,
        {"training.learning_rate": [1e-6, 0.02], "hyperparameters.lstm_units": [2, 3]},
        {"human": world[0]["human"]},
        digests={"human": "0"},
        folds=2,
        checkpoints=folder,
        device="cpu",
        report=lines.append,
    )


@pytest.mark.slow
def test_the_better_value_is_kept_and_finished_folds_are_not_run_again(world, tmp_path):
    lines = []
    table, best = search(world, tmp_path, lines)
    assert list(table.columns) == ["parameter", "value", "fold", "auroc", "chosen"]
    assert len(table) == len(lines) == 8
    assert best["training"]["learning_rate"] == 0.02
    chosen = table[table["chosen"]].groupby("parameter")["auroc"].mean()
    for parameter, part in table.groupby("parameter"):
        assert chosen[parameter] == pytest.approx(part.groupby("value")["auroc"].mean().max())
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.ckpt")}
    again, best_again = search(world, tmp_path, [])
    assert best_again == best
    assert again.equals(table)
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.ckpt")}


def test_every_window_is_judged_once(world):
    data = world[0]
    parts = folds_of(data, folds=3, seed=1)
    for task, windows in data.items():
        judged = np.concatenate([validation[task].codes for _, validation in parts])
        assert sorted(map(bytes, judged)) == sorted(map(bytes, windows.codes))
        for training, validation in parts:
            assert len(training[task].labels) + len(validation[task].labels) == len(windows.labels)
            assert validation[task].labels.mean() == pytest.approx(windows.labels.mean(), abs=0.01)


def test_a_parameter_must_say_where_it_belongs(world, tmp_path):
    with pytest.raises(ValueError, match=r"hyperparameters\."):
        line_search("deepm6aseq", NETWORK, SETTINGS, {"dropout": [0.1]}, world[0], digests={}, checkpoints=tmp_path)
