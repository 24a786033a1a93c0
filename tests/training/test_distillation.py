"""A student learns what its teacher says, goes on after a kill, and is calibrated and compared with it."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.baseline_files import stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import ModelConfig, read_members, write_model
from rnamarks.models.layers import OneHot
from rnamarks.models.registry import MODELS, Network
from rnamarks.models.student import add_student, load_student
from rnamarks.prediction.fast import agreement, compare_modes, score_fast
from rnamarks.prediction.score import score_tasks
from rnamarks.sequences import decode_windows
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task
from rnamarks.training.distillation import distil_student
from rnamarks.training.fit import read_split
from rnamarks.training.settings import DistillationSettings
from rnamarks.training.targets import teacher
from rnamarks.training.targets.teacher import distillation_loss

WINDOW, READ = 25, 13
TASKS = {"m6A": "A", "Y": "U"}
RECORDS = [Task(task, modification=task, base=base, motif="N") for task, base in TASKS.items()]
SMALL = {"width": 5, "filters": 32, "channels": 24, "hidden": 24}
QUICK = DistillationSettings(copies=1.0, minimum=10, maximum=1200, batch_size=64, epochs=6, learning_rate=8e-3)


class PlantedMotif(Network):
    """A task's logit is the best match to its own 3-nt motif in the middle ``crop`` nt, softly."""

    def __init__(self, tasks, window, *, crop=READ):
        super().__init__(tasks, window, trunk=OneHot(), heads={task: nn.Conv1d(4, 1, 3) for task in tasks}, reads=crop)

    def forward(self, codes, task):
        start = (codes.shape[1] - self.reads) // 2
        columns = self.trunk(codes[:, start : start + self.reads])
        return self.heads[task](columns).logsumexp(dim=2)[:, 0]

    def forward_all(self, codes):
        return torch.stack([self(codes, task) for task in self.tasks], dim=1)


@pytest.fixture(scope="module", autouse=True)
def planted_motif():
    """The network is registered for this file alone: other tests compare the registry with the schema."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS._entries, "planted_motif", PlantedMotif)
        yield


def motif_state(seed):
    """A random motif per task: a place that fits adds 2, so that a whole motif stands out."""
    random = np.random.default_rng(seed)
    state = {}
    for task in TASKS:
        weight = np.zeros((1, 4, 3))
        weight[0, random.integers(4, size=3), np.arange(3)] = 2.0
        state[f"heads.{task}.weight"] = torch.tensor(weight, dtype=torch.float32)
        state[f"heads.{task}.bias"] = torch.tensor([-7.0])
    return state


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A model directory of two networks, and windows of both tasks whose labels follow the first network."""
    root = tmp_path_factory.mktemp("world")
    config = ModelConfig("planted_motif", RECORDS, WINDOW, {"crop": READ})
    config.calibration = {"Y": Calibration(0.1).to_dict()}
    save_model(root / "model", [motif_state(1), motif_state(1)], config)
    model, _ = load_model(root / "model")
    splits = {}
    for place, (task, base) in enumerate(TASKS.items()):
        random = np.random.default_rng(place)
        codes = random.integers(0, 4, (2000, WINDOW)).astype(np.uint8)
        codes[:, WINDOW // 2] = "ACGU".index(base)
        logits = score_tasks(model, codes, [task])[:, 0]
        labels = (logits + random.normal(0, 0.5, 2000) > np.median(logits)).astype(int)
        frame = pd.DataFrame({"sequence": decode_windows(codes), "label": labels})
        frame["paper"] = np.repeat(["train", "valid", "test"], [1200, 400, 400])
        splits[task] = root / f"{task}.parquet"
        write_parquet(frame, splits[task])
    return root / "model", splits


def distil(world, folder, settings=QUICK, **changes):
    values = {"scheme": "paper", "seed": 3, "hyperparameters": SMALL, "device": "cpu", "report": lambda line: None}
    return distil_student(*world, settings=settings, checkpoints=folder, **(values | changes))


def digest(student) -> str:
    state = student.state_dict()
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


@pytest.fixture(scope="module")
def done(world, tmp_path_factory):
    """A distillation, its checkpoints, and the lines that it reported."""
    folder, lines = tmp_path_factory.mktemp("checkpoints"), []
    return distil(world, folder, report=lines.append), folder, lines


@pytest.mark.slow
def test_a_student_learns_planted_motifs(done, world):
    result, _, lines = done
    assert result.student.receptive == READ, "by default it reads what the teacher reads"
    assert min(result.agreement.values()) > 0.9
    assert [row["epoch"] for row in result.history] == list(range(1, 7))
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert result.history[-1]["agreement"] == pytest.approx(np.mean(list(result.agreement.values())))
    assert sum(line.startswith("teacher: ") for line in lines) == 1
    assert lines[-1].startswith("student: epoch 6/6, stage 1/1: agreement ")


def test_along_a_transcript_it_says_what_the_teacher_says_of_each_window(done, world):
    result, _, _ = done
    model, config = load_model(world[0])
    codes = np.random.default_rng(9).integers(0, 4, 600).astype(np.uint8)
    padded = np.pad(codes, WINDOW // 2, constant_values=4)
    exact = score_tasks(model, np.lib.stride_tricks.sliding_window_view(padded, WINDOW), config.task_names)
    fast = result.student.scan(codes).numpy()
    for column, base in enumerate(TASKS.values()):
        fits = codes == "ACGU".index(base)
        assert agreement(exact[fits, column], fast[fits, column]) > 0.85


def test_it_repeats_to_the_byte_and_a_finished_one_is_read_back(done, world, tmp_path):
    result, folder, _ = done
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    lines = []
    again = distil(world, folder, report=lines.append)
    assert lines == []
    assert stamps == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert digest(again.student) == digest(result.student)
    assert again._replace(student=None) == result._replace(student=None)


class Killed(BaseException):
    """Stands for a signal that ends the process."""


@pytest.mark.parametrize("last", ["teacher: 400/", "student: epoch 2/"])
def test_killed_and_run_again_it_ends_with_the_same_weights(world, tmp_path, last):
    settings = DistillationSettings(copies=0.0, minimum=1, maximum=200, batch_size=32, epochs=4)
    expected = digest(distil(world, tmp_path / "whole", settings).student)

    def kill(line):
        if line.startswith(last):
            raise Killed

    with pytest.raises(Killed):
        distil(world, tmp_path / "killed", settings, report=kill)
    lines = []
    result = distil(world, tmp_path / "killed", settings, report=lines.append)
    assert not any(line.startswith("teacher") for line in lines), "what the teacher said is kept"
    assert len(lines) == (4 if "teacher" in last else 3)
    assert len(result.history) == 4
    assert digest(result.student) == expected


@pytest.mark.slow
def test_other_seeds_and_settings_do_not_share_checkpoints(done, world):
    result, folder, _ = done
    shorter = distil(world, folder, DistillationSettings(**(vars(QUICK) | {"epochs": 1})))
    assert len(shorter.history) == 1
    lines = []
    distil(world, folder, DistillationSettings(**(vars(QUICK) | {"epochs": 1})), seed=4, report=lines.append)
    assert lines[0].startswith("teacher: ")
    assert digest(distil(world, folder).student) == digest(result.student)


def test_it_is_calibrated_and_written_beside_its_teacher(done, world, tmp_path):
    result, _, _ = done
    own, given = (Calibration.from_dict(result.calibration[task]) for task in TASKS)
    assert given.prevalence == 0.1, "that of the teacher's calibration"
    assert own.prevalence == pytest.approx(0.5, abs=0.05)
    assert {own.method, given.method} == {"platt"}
    data = read_split(world[1]["m6A"], "paper", "test")
    probability = own.probability(score_fast(result.student, data.codes)[:, 0])
    assert probability.mean() == pytest.approx(data.labels.mean(), abs=0.07)
    values = {name: getattr(result, name) for name in ("calibration", "agreement", "training")}
    shutil.copytree(world[0], tmp_path / "model")
    add_student(tmp_path / "model", result.student, **values)
    student, described = load_student(tmp_path / "model")
    assert described["agreement"] == result.agreement
    assert digest(student) == digest(result.student)


def test_modes_are_compared_on_the_same_windows(done, world):
    result, _, _ = done
    model, _ = load_model(world[0])
    tests = {task: read_split(path, "paper", "test") for task, path in world[1].items()}
    table = compare_modes(model, result.student, tests, n=200, seed=1).set_index("task")
    assert list(table.index) == [*TASKS, "mean"]
    assert (table["exact"] > 0.8).all()
    assert (table["difference"].abs() < 0.05).all()
    assert ((table["low"] <= table["difference"]) & (table["difference"] <= table["high"])).all()


@pytest.mark.slow
def test_a_stack_teaches_with_its_baselines(world, tmp_path):
    folder, splits = world
    states, config = read_members(folder)
    fitted = {}
    for task, path in splits.items():
        data = read_split(path, "paper", "train")
        fitted[task] = BASELINES["kmer_logistic"](longest=2, reach=2).fit(data.codes, data.labels)
    known = {"kmer_logistic": fitted["Y"].hyperparameters()}
    weights = {task: {"net": 1.0, "kmer_logistic": 0.5} for task in TASKS}
    config.stack = {"network": "net", "weights": weights, "baselines": known}
    write_model(tmp_path / "stack", states, config, stack_arrays({"kmer_logistic": fitted}))
    result = distil((tmp_path / "stack", splits), tmp_path / "checkpoints")
    assert result.student.receptive == WINDOW, "the baselines read what the network crops"
    model, _ = load_model(tmp_path / "stack")
    data = read_split(splits["Y"], "paper", "test")
    expected = score_tasks(model, data.codes, ["Y"])[:, 0]
    assert agreement(expected, score_fast(result.student, data.codes)[:, 1]) > 0.9


def test_only_known_targets_count_and_each_task_counts_alike():
    nan = float("nan")
    targets = torch.tensor([[1.0, nan], [2.0, nan], [nan, -1.0], [3.0, nan]])
    logits = torch.tensor([[1.5, 99.0], [2.5, 99.0], [-99.0, -2.0], [3.5, 99.0]], requires_grad=True)
    scale = torch.tensor([0.5, 2.0])
    loss = distillation_loss(logits, targets, scale, 10.0)
    loss.backward()
    assert torch.equal(logits.grad != 0, torch.isfinite(targets))

    def cross(logit, target):
        share = 1 / (1 + np.exp(-target))
        return np.log1p(np.exp(-logit)) + (1 - share) * logit

    first = np.mean([cross(t + 0.5, t) for t in (1.0, 2.0, 3.0)]) + 10 * (0.5 / 0.5) ** 2
    second = cross(-2.0, -1.0) + 10 * (1 / 2.0) ** 2
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-5)
    lacking = distillation_loss(torch.zeros(2, 2), torch.tensor([[0.0, nan], [0.0, nan]]), scale, 0.0)
    assert lacking.item() == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hyperparameters": {"receptive": 20}}, "odd width"),
        ({"hyperparameters": {"colour": 1}}, "no setting colour"),
        ({"scheme": "guarded"}, "lacks the column guarded"),
    ],
)
def test_what_cannot_be_distilled_is_named(world, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        distil(world, tmp_path, **change)


def test_every_task_needs_windows(world, tmp_path):
    with pytest.raises(InputError, match=r"no windows of a task.*'Y'"):
        distil((world[0], {"m6A": world[1]["m6A"]}), tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 1}, "known are .*epochs"),
        ({"epochs": 0}, "epochs is not a whole number from 1"),
        ({"copies": -1}, "copies is not a number from 0"),
        ({"mutation_rate": 1.5}, "mutation_rate is not a number from 0 to 1"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        DistillationSettings.from_mapping(settings)


def test_divergence_is_reported(world, tmp_path, monkeypatch):
    settings = DistillationSettings(copies=0.0, minimum=1, maximum=100, epochs=2)
    monkeypatch.setattr(teacher, "distillation_loss", lambda logits, *_: logits.sum() * float("nan"))
    with pytest.raises(InputError, match="learning rate"):
        distil(world, tmp_path, settings)
    assert not list(tmp_path.rglob("*.part"))
