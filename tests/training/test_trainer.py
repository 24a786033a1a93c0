"""Training learns, repeats to the byte, and survives being killed."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.training.fit import fit_network
from rnamarks.training.trainer import TrainingSettings, one_cycle

SMALL = {"filters": 8, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 8, "dropout": 0.1}
SETTINGS = {
    "batch_size": 32,
    "steps_per_round": 12,
    "rounds": 4,
    "stage_rounds": 1,
    "learning_rate": 0.01,
    "classifier_learning_rate": 0.01,
    "shift": 1,
    "schedule": "one_cycle",
    "average_decay": 0.9,
}


def digest(state) -> str:
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


def fit(world, folder, **changes):
    training, validation = world
    return fit_network(
        "mass",
        SMALL,
        training,
        validation,
        TrainingSettings.from_mapping(SETTINGS | changes),
        seed=5,
        checkpoints=folder,
        device="cpu",
        report=lambda line: None,
    )


def test_it_learns_and_repeats_to_the_byte(world, tmp_path):
    first = fit(world, tmp_path / "first", average_decay=0.0, shift=0)
    again = fit(world, tmp_path / "again", average_decay=0.0, shift=0)
    assert digest(first.state) == digest(again.state)
    assert max(row["score"] for row in first.history) > 0.9
    stages = [row["stage"] for row in first.history if row["head"] == "human"]
    assert stages == [1, 2, 2, 2, 2][: len(stages)]
    assert first.best_round > 1, "the best round must be one in which all species take part"


def test_a_finished_training_is_read_back_without_training(world, tmp_path):
    first = fit(world, tmp_path, rounds=1)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = fit(world, tmp_path, rounds=1)
    assert digest(first.state) == digest(again.state)
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}


CHILD = """
import sys, pickle
from pathlib import Path
from rnamarks.training.fit import fit_network
from rnamarks.training.sampler import HeadData
from rnamarks.training.trainer import TrainingSettings
import importlib.util
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec); spec.loader.exec_module(here)
spec = importlib.util.spec_from_file_location("data", Path(sys.argv[1]).with_name("conftest.py"))
data = importlib.util.module_from_spec(spec); spec.loader.exec_module(data)
world = ({"human": data.make_head(1, 300), "mouse": data.make_head(2, 200)},
         {"human": data.make_head(3, 120), "mouse": data.make_head(4, 120)})
result = here.fit(world, sys.argv[2])
print("digest", here.digest(result.state))
"""


def run_child(folder, kill_after=None):
    arguments = [sys.executable, "-c", CHILD, __file__, str(folder)]
    if kill_after is None:
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=dict(os.environ))
        return done.stdout.split("digest ")[1].strip()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 120
        while not any(folder.rglob("last.ckpt")) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    return None


def test_killed_and_run_again_it_ends_with_the_same_weights(world, tmp_path):
    expected = digest(fit(world, tmp_path / "whole").state)
    for pause in (0.0, 0.15):
        run_child(tmp_path / "killed", kill_after=pause)
    assert any((tmp_path / "killed").rglob("last.ckpt"))
    assert run_child(tmp_path / "killed") == expected


def test_an_unknown_setting_lists_the_known_ones():
    with pytest.raises(InputError, match="learning_rate"):
        TrainingSettings.from_mapping({"learning_rat": 0.1})
    with pytest.raises(InputError, match="constant, one_cycle"):
        TrainingSettings(schedule="cosine")


def test_divergence_is_reported(world, tmp_path):
    with pytest.raises(FloatingPointError, match="learning rate"):
        fit(world, tmp_path, learning_rate=1e30, classifier_learning_rate=1e30, schedule="constant", average_decay=0.0)


def test_one_cycle_rises_falls_and_ends_at_zero():
    factors = [one_cycle(step, 100) for step in range(101)]
    assert factors[9] == 1.0
    assert factors[0] == pytest.approx(0.1)
    assert factors[100] == pytest.approx(0.0)
    assert all(a >= b for a, b in itertools.pairwise(factors[9:]))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_it_learns_on_a_gpu_in_bf16(world, tmp_path):
    training, validation = world
    result = fit_network(
        "mass",
        SMALL,
        training,
        validation,
        TrainingSettings.from_mapping(SETTINGS),
        seed=5,
        checkpoints=tmp_path,
        device="cuda",
        report=lambda line: None,
    )
    assert max(row["score"] for row in result.history) > 0.9
