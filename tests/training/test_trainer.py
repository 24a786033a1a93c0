"""Training learns, repeats to the byte, and survives being killed."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from rnamarks.errors import InputError, explain
from rnamarks.training import precision, trainer
from rnamarks.training.optimisation import rate_factor
from rnamarks.training.settings import SiteSettings, TrainingSettings
from rnamarks.training.targets import site
from site_fits import fit_sites

SMALL = {"filters": 8, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 8, "dropout": 0.1}
SETTINGS = {
    "batch_size": 32,
    "steps_per_epoch": 12,
    "epochs": 4,
    "stage_epochs": 1,
    "learning_rate": 0.01,
    "head_learning_rate": 0.01,
    "shift": 1,
    "schedule": "one_cycle",
    "average_decay": 0.9,
}


def digest(state) -> str:
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


def fit(world, folder, **changes):
    training, validation = world
    return fit_sites(
        "mass",
        SMALL,
        training,
        validation,
        SiteSettings.from_mapping(SETTINGS | changes),
        seed=5,
        checkpoints=folder,
        device="cpu",
        report=lambda line: None,
    )


@pytest.mark.slow
def test_it_learns_and_repeats_to_the_byte(world, tmp_path):
    first = fit(world, tmp_path / "first", average_decay=0.0, shift=0)
    again = fit(world, tmp_path / "again", average_decay=0.0, shift=0)
    assert digest(first.state) == digest(again.state)
    assert max(row["score"] for row in first.history) > 0.9
    stages = [row["stage"] for row in first.history if row["task"] == "human"]
    assert stages == [1, 2, 2, 2, 2][: len(stages)]
    assert first.best_epoch > 1, "the best epoch must be one in which all species take part"


@pytest.mark.slow
def test_a_finished_training_is_read_back_without_training(world, tmp_path):
    first = fit(world, tmp_path, epochs=1)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = fit(world, tmp_path, epochs=1)
    assert digest(first.state) == digest(again.state)
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1]).parents[1]))
import importlib.util
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec); spec.loader.exec_module(here)
spec = importlib.util.spec_from_file_location("data", Path(sys.argv[1]).with_name("conftest.py"))
data = importlib.util.module_from_spec(spec); spec.loader.exec_module(data)
world = ({"human": data.make_task(1, 300), "mouse": data.make_task(2, 200)},
         {"human": data.make_task(3, 120), "mouse": data.make_task(4, 120)})
from rnamarks.training import trainer
trainer.SAVE_SECONDS = 0.0
result = here.fit(world, sys.argv[2])
print("digest", here.digest(result.state))
"""


def run_child(folder, kill_after=None):
    arguments = [sys.executable, "-c", CHILD, __file__, str(folder)]
    if kill_after is None:
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=dict(os.environ))
        return done.stdout.split("digest ")[1].strip()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 600
        while not any(folder.rglob("last.ckpt")) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    return None


@pytest.mark.slow
def test_killed_in_an_epoch_and_run_again_it_ends_with_the_same_weights(world, tmp_path):
    expected = digest(fit(world, tmp_path / "whole").state)
    for pause in (0.0, 0.15):
        run_child(tmp_path / "killed", kill_after=pause)
    assert any((tmp_path / "killed").rglob("last.ckpt"))
    assert run_child(tmp_path / "killed") == expected


@pytest.mark.slow
def test_sigterm_writes_the_state_of_the_last_step_and_then_acts(world, tmp_path, monkeypatch):
    whole = fit(world, tmp_path / "whole")
    step = trainer._Training._step

    def asked_in_the_middle(training, *arguments):
        step(training, *arguments)
        if training.progress["step"] == SETTINGS["steps_per_epoch"] + 5:
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    monkeypatch.setattr(trainer._Training, "_step", asked_in_the_middle)
    try:
        with pytest.raises(SystemExit) as end:
            fit(world, tmp_path / "ended")
    finally:
        signal.signal(signal.SIGTERM, before)
        monkeypatch.undo()
    assert end.value.code == 143
    state = torch.load(next((tmp_path / "ended").rglob("last.ckpt")), weights_only=True)
    assert state["progress"]["step"] == SETTINGS["steps_per_epoch"] + 6
    assert digest(fit(world, tmp_path / "ended").state) == digest(whole.state)


def test_a_checkpoint_that_the_disk_does_not_take_is_named_and_training_goes_on_from_what_was_kept(world, tmp_path):
    whole = fit(world, tmp_path / "whole")
    size = next((tmp_path / "whole").rglob("last.ckpt")).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1000, hard))
    try:
        with pytest.raises(OSError, match=r"last\.ckpt") as caught:
            fit(world, tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "last.ckpt: the file would be larger than is allowed; " in str(explain(caught.value))
    assert not list(tmp_path.rglob("*.part"))
    assert digest(fit(world, tmp_path / "full").state) == digest(whole.state)


def test_an_unknown_setting_lists_the_known_ones():
    with pytest.raises(InputError, match="learning_rate"):
        SiteSettings.from_mapping({"learning_rat": 0.1})
    with pytest.raises(InputError, match="constant, one_cycle, linear"):
        SiteSettings(schedule="cosine")


def test_divergence_is_reported(world, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(site, "score_windows", lambda *_, **__: np.array([np.nan]))
        with pytest.raises(InputError, match=r"logits of human are not finite; lower the learning rate"):
            fit(world, tmp_path)
    nothing = torch.full((), math.nan, requires_grad=True)
    monkeypatch.setattr(site.SiteTarget, "loss", lambda *_: (nothing, nothing.detach()))
    with pytest.raises(InputError, match=r"the loss is not finite; lower the learning rate"):
        fit(world, tmp_path)
    assert not list(tmp_path.rglob("last.ckpt"))


class Killed(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["balanced", "uncertainty"])
def test_it_goes_on_from_the_middle_of_an_epoch(world, tmp_path, monkeypatch, objective):
    whole = fit(world, tmp_path / "whole", objective=objective)
    draw = site.SiteTarget.batch
    for after in (5, 3, 20):
        left = iter(range(after))

        def batch(self, key, visit, left=left):
            if next(left, None) is None:
                raise Killed
            return draw(self, key, visit)

        with monkeypatch.context() as patch:
            patch.setattr(site.SiteTarget, "batch", batch)
            patch.setattr(trainer, "SAVE_SECONDS", 0.0)
            with pytest.raises(Killed):
                fit(world, tmp_path / "killed", objective=objective)
    (path,) = (tmp_path / "killed").rglob("last.ckpt")
    saved = torch.load(path, weights_only=True)
    assert (saved["progress"]["step"], saved["progress"]["epoch_step"]) == (28, 4)
    assert sum(saved["progress"]["visits"].values()) == 28
    resumed = fit(world, tmp_path / "killed", objective=objective)
    assert digest(resumed.state) == digest(whole.state)
    timed = ("seconds", "windows_per_second")
    histories = [[{k: v for k, v in row.items() if k not in timed} for row in r.history] for r in (whole, resumed)]
    assert repr(histories[0]) == repr(histories[1])


def test_a_state_is_saved_by_the_clock(world, tmp_path, monkeypatch):
    saves = []
    write = trainer._Training._save
    monkeypatch.setattr(trainer._Training, "_save", lambda self: (saves.append(self.progress["step"]), write(self)))
    monkeypatch.setattr(trainer.time, "monotonic", iter(range(0, 10**6, 50)).__next__)
    fit(world, tmp_path, epochs=1)
    # 50 s a step: a state after 150 s, and one at the end of each epoch of 12 steps
    assert saves == [3, 6, 9, 12, 12, 15, 18, 21, 24, 24]


@pytest.mark.parametrize("asked", ["auto", "32-true", "bf16-mixed"])
def test_precision_is_what_the_machine_can(world, tmp_path, monkeypatch, asked):
    monkeypatch.setattr(precision, "can_bfloat16", lambda device: False)
    lines = []
    training, validation = world
    settings = SiteSettings.from_mapping(SETTINGS | {"precision": asked, "epochs": 1})
    arguments = {"seed": 5, "device": "cpu", "report": lines.append}
    found = fit_sites("mass", SMALL, training, validation, settings, checkpoints=tmp_path, **arguments)
    assert (lines[0] == "precision 32-true: this CPU cannot compute in bfloat16 (asked for: bf16-mixed)") == (
        asked == "bf16-mixed"
    )
    assert digest(found.state) == digest(fit(world, tmp_path / "plain", precision="32-true", epochs=1).state)


def test_bfloat16_is_tried_without_touching_what_is_drawn():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    assert precision.can_bfloat16(torch.device("cpu")) in (True, False)
    assert torch.equal(torch.rand(2), expected)


def test_one_cycle_rises_falls_and_ends_at_zero():
    cycle = TrainingSettings(schedule="one_cycle")
    factors = [rate_factor(cycle, step, 100) for step in range(101)]
    assert factors[9] == 1.0
    assert factors[0] == pytest.approx(0.1)
    assert factors[100] == pytest.approx(0.0)
    assert all(a >= b for a, b in itertools.pairwise(factors[9:]))


def test_linear_falls_to_its_floor_and_stays():
    line = TrainingSettings(schedule="linear", warm_up=0.0, floor=0.1, decay=0.5)
    factors = [rate_factor(line, step, 100) for step in range(101)]
    assert factors[0] == factors[1] == 1.0
    assert factors[25] == pytest.approx(1 - 0.9 * 24 / 49)
    assert factors[50:] == [pytest.approx(0.1)] * 51
    assert rate_factor(TrainingSettings(), 77, 100) == 1.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_it_learns_on_a_gpu_in_bf16(world, tmp_path):
    training, validation = world
    result = fit_sites(
        "mass",
        SMALL,
        training,
        validation,
        SiteSettings.from_mapping(SETTINGS),
        seed=5,
        checkpoints=tmp_path,
        device="cuda",
        report=lambda line: None,
    )
    assert max(row["score"] for row in result.history) > 0.9
