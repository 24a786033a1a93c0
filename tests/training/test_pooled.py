"""Pooled batches: the union of labels, exact fractions, and a training that learns, repeats and survives."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnamarks.errors import InputError
from rnamarks.models import registry
from rnamarks.models.checkpoint import load_model
from rnamarks.models.registry import Network, build_model
from rnamarks.sequences import decode_windows
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task
from rnamarks.training import fit as fitting
from rnamarks.training.fit import fit_from_splits
from rnamarks.training.objectives import OBJECTIVES
from rnamarks.training.pooled import PooledSampler, pool_tasks
from rnamarks.training.sampler import TaskData, shift_windows
from rnamarks.training.settings import SiteSettings
from site_fits import fit_sites
from tolerance import assert_same_sums


def numbered(start: int, positives: int, negatives: int) -> TaskData:
    """Windows that are their own number in base 256, positives first."""
    numbers = np.arange(start, start + positives + negatives)
    codes = np.column_stack([numbers // 256, numbers % 256, np.zeros_like(numbers)]).astype(np.uint8)
    return TaskData(codes, np.arange(len(numbers)) < positives)


def number_of(codes: np.ndarray) -> np.ndarray:
    return codes[:, 0].astype(int) * 256 + codes[:, 1]


@pytest.fixture
def data():
    """Three tasks without common windows: 10 + 20, 90 + 30, 400 + 80 windows."""
    return pool_tasks({"a": numbered(0, 10, 20), "b": numbered(30, 90, 30), "c": numbered(150, 400, 80)})


def test_one_sequence_in_several_tasks_is_one_row_with_all_labels():
    rows = np.array([[0, 1, 2], [3, 3, 3], [0, 0, 0], [4, 1, 2]], dtype=np.uint8)
    pooled = pool_tasks(
        {
            "a": TaskData(rows[[1, 0, 2]], np.array([True, False, False])),
            "b": TaskData(rows[[0, 3, 1]], np.array([True, False, True])),
        }
    )
    assert pooled.tasks == ("a", "b")
    assert pooled.codes.tolist() == rows[[1, 0, 2, 3]].tolist()
    assert pooled.labels.tolist() == [[True, True], [False, True], [False, False], [False, False]]
    assert pooled.own.tolist() == [[True, True], [True, True], [True, False], [False, True]]


def test_both_labels_in_one_task_count_as_positive():
    window = np.zeros((3, 5), dtype=np.uint8)
    pooled = pool_tasks({"a": TaskData(window, np.array([False, True, False]))})
    assert (pooled.codes.shape, pooled.labels.tolist(), pooled.own.tolist()) == ((1, 5), [[True]], [[True]])


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=30), min_size=1, max_size=4)
)
def test_pooling_is_the_union(files):
    tasks = {
        str(index): TaskData(
            np.array([[code // 4, code % 4] for code, _ in file], dtype=np.uint8),
            np.array([label for _, label in file]),
        )
        for index, file in enumerate(files)
    }
    pooled = pool_tasks(tasks)
    found = [4 * int(first) + int(second) for first, second in pooled.codes]
    assert found == list(dict.fromkeys(code for file in files for code, _ in file))
    for column, file in enumerate(files):
        assert {code for code, own in zip(found, pooled.own[:, column], strict=True) if own} == {c for c, _ in file}
        positive = {code for code, label in zip(found, pooled.labels[:, column], strict=True) if label}
        assert positive == {code for code, label in file if label}


def test_unequal_widths_are_refused():
    with pytest.raises(InputError, match=r"windows of one width .*21, 41"):
        pool_tasks(
            {
                "a": TaskData(np.zeros((2, 41), np.uint8), np.zeros(2, bool)),
                "b": TaskData(np.zeros((2, 21), np.uint8), np.zeros(2, bool)),
            }
        )


@pytest.mark.parametrize("others", [0.0, 0.25, 1.0])
def test_labels_and_weights_of_a_batch(data, others):
    codes, labels, weights = PooledSampler(data, batch_size=64, seed=1, others=others).batch(3)
    assert [part.dtype for part in (codes, labels, weights)] == [np.uint8, np.float32, np.float32]
    assert [part.shape for part in (codes, labels, weights)] == [(64, 3), (64, 3), (64, 3)]
    task = np.searchsorted([30, 150], number_of(codes), side="right")
    own = np.arange(3) == task[:, None]
    assert np.array_equal(weights, np.where(own, 1.0, others).astype(np.float32))
    positive = number_of(codes) < np.array([10, 120, 550])[task]
    assert np.array_equal(labels, (own & positive[:, None]).astype(np.float32))


@pytest.mark.parametrize("sampling", ["replacement", "cycle"])
@pytest.mark.parametrize("draw", ["uniform", "balanced", "tempered"])
def test_batches_depend_on_the_seed_and_the_visit_alone(data, draw, sampling):
    def drawn(visits, seed=1):
        sampler = PooledSampler(data, batch_size=50, seed=seed, draw=draw, sampling=sampling, shift=1)
        return {visit: sampler.batch(visit) for visit in visits}

    first, again = drawn(range(15)), drawn(reversed(range(15)))
    for visit, parts in first.items():
        for part, other in zip(parts, again[visit], strict=True):
            assert np.array_equal(part, other)
    assert not np.array_equal(first[0][0], first[1][0])
    assert not np.array_equal(first[0][0], drawn([0], seed=2)[0][0])


def test_uniform_shows_every_window_once_per_pass(data):
    sampler = PooledSampler(data, batch_size=63, seed=1, draw="uniform", sampling="cycle")
    drawn = np.concatenate([number_of(sampler.batch(visit)[0]) for visit in range(30)])
    assert sorted(drawn) == sorted([*range(630)] * 3)


@pytest.mark.parametrize("sampling", ["replacement", "cycle"])
def test_balanced_shows_each_task_and_label_equally_often(data, sampling):
    sampler = PooledSampler(data, batch_size=32, seed=1, draw="balanced", sampling=sampling)
    drawn = np.concatenate([number_of(sampler.batch(visit)[0]) for visit in range(60)])
    cells = np.histogram(drawn, [0, 10, 30, 120, 150, 550, 630])[0]
    assert cells.tolist() == [320] * 6
    counts = np.bincount(drawn, minlength=630)
    assert counts[:10].min() > 0
    if sampling == "cycle":
        assert (counts[:10] == 32).all()
        assert (counts[10:30] == 16).all()
        assert counts[150:550].max() == 1


@pytest.mark.parametrize("sampling", ["replacement", "cycle"])
def test_tempered_shows_tasks_by_the_root_of_their_size(data, sampling):
    sampler = PooledSampler(data, batch_size=112, seed=1, draw="tempered", sampling=sampling)
    drawn = np.concatenate([number_of(sampler.batch(visit)[0]) for visit in range(2)])
    # sizes 30, 120 and 480: roots 1, 2 and 4; a turn has 2 * 16 * 7 = 224 draws
    assert np.histogram(drawn, [0, 10, 30, 120, 150, 550, 630])[0].tolist() == [16, 16, 32, 32, 64, 64]
    first = np.histogram(number_of(sampler.batch(0)[0]), [0, 30, 150, 630])[0]
    assert first == pytest.approx([16, 32, 64], abs=2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.sampled_from(["uniform", "balanced", "tempered"]), st.integers(0, 10**6))
def test_any_batch_of_any_visit_can_be_drawn(size, draw, visit):
    pooled = pool_tasks({"a": numbered(0, 1, 1), "b": numbered(2, 5, 3)})
    for sampling in ("replacement", "cycle"):
        codes, labels, weights = PooledSampler(
            pooled, batch_size=size, seed=0, draw=draw, sampling=sampling, others=0.0
        ).batch(visit)
        assert len(codes) == len(labels) == len(weights) == size
        assert (weights.sum(axis=1) == 1).all()
        assert (labels <= weights).all()


def test_windows_are_shifted_but_keep_their_labels(data):
    plain = PooledSampler(data, batch_size=40, seed=1).batch(2)
    moved = PooledSampler(data, batch_size=40, seed=1, shift=1).batch(2)
    assert np.array_equal(plain[1], moved[1])
    options = np.stack([shift_windows(plain[0], [shift] * 40) for shift in (-1, 0, 1)])
    assert (options == moved[0]).all(axis=2).any(axis=0).all()
    assert not np.array_equal(plain[0], moved[0])


def test_tasks_that_lack_a_label_are_named():
    with pytest.raises(InputError, match="b has no negatives to train on"):
        PooledSampler(pool_tasks({"a": numbered(0, 2, 2), "b": numbered(4, 2, 0)}), batch_size=4, seed=1)
    with pytest.raises(InputError, match="a has no positives to train on"):
        PooledSampler(pool_tasks({"a": numbered(0, 0, 2)}), batch_size=4, seed=1)


def test_settings_that_make_no_sense_are_refused(data):
    with pytest.raises(InputError, match="uniform, balanced, tempered"):
        PooledSampler(data, batch_size=4, seed=1, draw="all")
    with pytest.raises(InputError, match="replacement, cycle"):
        PooledSampler(data, batch_size=4, seed=1, sampling="all")
    with pytest.raises(InputError, match="at least one window"):
        PooledSampler(data, batch_size=0, seed=1)
    for values, said in (
        ({"objective": "hinge"}, "balanced, effective_number"),
        ({"draw": "all"}, "uniform, balanced, tempered"),
        ({"others": 1.5}, "others is not a number from 0 to 1"),
        ({"ohem_keep": 0}, "above 0"),
    ):
        with pytest.raises(InputError, match=said):
            SiteSettings.from_mapping(values)


SMALL = {"filters": [8, 6], "lstm_units": 4, "dropout": 0.1}
SETTINGS = {
    "batch_size": 32,
    "steps_per_epoch": 10,
    "epochs": 3,
    "learning_rate": 0.02,
    "head_learning_rate": 0.02,
    "objective": "uncertainty_ohem",
    "draw": "tempered",
    "schedule": "one_cycle",
    "average_decay": 0.8,
}


def digest(state) -> str:
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


def train_small(world, folder, *, report=lambda line: None, network="deepm6aseq", hyperparameters=SMALL, **changes):
    training, validation = world
    return fit_sites(
        network,
        hyperparameters,
        training,
        validation,
        SiteSettings.from_mapping(SETTINGS | changes),
        seed=5,
        checkpoints=folder,
        device="cpu",
        report=report,
    )


class Letters(nn.Module):
    """Letters by position, less ``means``."""

    def __init__(self, window):
        super().__init__()
        self.frozen = nn.Parameter(torch.full((1, 1), 2.0), requires_grad=False)
        self.register_buffer("means", torch.zeros(5 * window))
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, codes):
        return self.frozen * (nn.functional.one_hot(codes.long(), 5).float().flatten(1) - self.means)


class Prepared(Network):
    """Linear in the letters by position, their frequencies in the training windows taken off by ``prepare``."""

    def __init__(self, tasks, window):
        heads = {task: nn.Sequential(nn.Linear(5 * window, 1), nn.Flatten(0)) for task in tasks}
        super().__init__(tasks, window, trunk=Letters(window), heads=heads)

    def prepare(self, codes, seed):
        self.trunk.calls += 1
        self.trunk.means.copy_(torch.from_numpy(np.eye(5)[codes].mean(axis=0).ravel()))
        self.seed = seed


@pytest.fixture
def prepared(monkeypatch):
    """The registry with :class:`Prepared` in it."""
    monkeypatch.setitem(registry.MODELS._entries, "prepared", Prepared)


def saved(folder) -> dict:
    (path,) = folder.rglob("last.ckpt")
    return torch.load(path, weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_every_objective_learns(prepared, world, tmp_path, name):
    # both tasks have the same motif, so one's positives cannot be the other's negatives
    choices = {"objective": name, "draw": "balanced", "others": 0.0, "steps_per_epoch": 25}
    result = train_small(world, tmp_path, network="prepared", hyperparameters={}, **choices)
    assert {row["stage"] for row in result.history} == {1}
    assert [row["task"] for row in result.history[:2]] == ["human", "mouse"]
    assert result.history[-1]["loss"] < result.history[0]["loss"] < np.log(2)
    assert max(row["score"] for row in result.history) > 0.93


def test_log_variances_are_trained_and_kept_apart_from_the_weights(world, tmp_path):
    result = train_small(world, tmp_path)
    moved = saved(tmp_path)["target"]["objective.log_variances"]
    assert moved.shape == (2,)
    assert (moved.abs() > 0.05).all()
    assert moved[0] != moved[1]
    assert not [name for name in result.state if "log_variances" in name]


class Killed(Exception):
    pass


@pytest.mark.slow
def test_killed_and_run_again_it_ends_with_the_same_bytes(world, tmp_path):
    whole = train_small(world, tmp_path / "whole")

    def kill_in(number):
        def report(line):
            if line.startswith(f"epoch {number}/"):
                raise Killed

        return report

    for number in (2, 3):
        with pytest.raises(Killed):
            train_small(world, tmp_path / "killed", report=kill_in(number))
        halted = saved(tmp_path / "killed")
        assert halted["progress"]["epoch"] == number - 1
        assert halted["progress"]["visits"] == {"": 10 * (number - 1)}
        assert halted["target"]["objective.log_variances"].abs().min() > 0
    resumed = train_small(world, tmp_path / "killed")
    assert digest(resumed.state) == digest(whole.state)
    assert torch.equal(
        saved(tmp_path / "killed")["target"]["objective.log_variances"],
        saved(tmp_path / "whole")["target"]["objective.log_variances"],
    )
    without_time = [
        [{key: row[key] for key in ("epoch", "task", "loss", "auroc", "score")} for row in result.history]
        for result in (whole, resumed)
    ]
    assert without_time[0] == without_time[1]


def test_an_epoch_without_a_number_of_steps_is_one_pass_over_distinct_windows(world, tmp_path):
    training, validation = world
    twice = {task: TaskData(np.tile(part.codes, (2, 1)), np.tile(part.labels, 2)) for task, part in training.items()}
    train_small((twice, validation), tmp_path, steps_per_epoch=0, epochs=1)
    assert saved(tmp_path)["progress"]["step"] == -(-500 // 32)


@pytest.mark.parametrize("name", ["mass", "deepm6aseq", "unanchored"])
def test_all_logits_are_those_of_each_task(name):
    torch.manual_seed(0)
    network = build_model(name, ["a", "b", "c"], 21, {}).eval().double()
    codes = torch.randint(0, 5, (7, 21))
    together = network.forward_all(codes)
    apart = torch.stack([network(codes, task) for task in ("a", "b", "c")], dim=1)
    assert together.shape == (7, 3)
    assert_same_sums(together, apart, network, 21)


@pytest.mark.parametrize("objective", ["balanced", "sum"])
def test_networks_are_prepared_once_and_what_is_frozen_stays(prepared, world, tmp_path, monkeypatch, objective):
    made = []

    def keep(*arguments):
        made.append(build_model(*arguments))
        made.append({name: value.clone() for name, value in made[0].state_dict().items()})
        return made[0]

    monkeypatch.setattr(fitting, "build_model", keep)
    training, validation = world
    values = {"batch_size": 32, "steps_per_epoch": 5, "epochs": 1, "stage_epochs": 1, "objective": objective}
    chosen = SiteSettings.from_mapping(values | {"weight_decay": 0.1})
    result = fit_sites(
        "prepared", {}, training, validation, chosen, seed=7, checkpoints=tmp_path, device="cpu", report=len
    )
    network, before = made
    codes = np.concatenate([part.codes for part in training.values()])
    assert result.state["trunk.means"].numpy() == pytest.approx(np.eye(5)[codes].mean(axis=0).ravel(), abs=1e-6)
    assert (result.state["trunk.calls"].item(), network.seed) == (1, 7)
    assert torch.equal(result.state["trunk.frozen"], before["trunk.frozen"])
    assert not torch.equal(result.state["heads.human.0.weight"], before["heads.human.0.weight"])
    optimised = sum(len(group["params"]) for group in saved(tmp_path)["optimizer"]["param_groups"])
    assert optimised == 4


def test_a_model_directory_says_what_each_task_is_about(world, tmp_path):
    training, validation = world
    tasks = [
        Task("human", modification="m6A", base="A", motif="DRACH", motif_offset=2),
        Task("mouse", modification="Y"),
    ]
    paths = {}
    for task in training:
        frame = make_splits(training[task], validation[task])
        paths[task] = tmp_path / f"{task}.parquet"
        write_parquet(frame, paths[task])
    fit_from_splits(
        paths,
        tasks,
        scheme="paper",
        network="deepm6aseq",
        hyperparameters=SMALL,
        settings=SiteSettings.from_mapping(SETTINGS | {"epochs": 1, "steps_per_epoch": 2}),
        seed=1,
        checkpoints=tmp_path / "checkpoints",
        folder=tmp_path / "model",
        device="cpu",
        report=len,
    )
    _, config = load_model(tmp_path / "model")
    assert config.tasks == tasks
    assert config.training["settings"]["objective"] == "uncertainty_ohem"


def make_splits(training: TaskData, validation: TaskData):
    """A splits table, its ``paper`` column alone."""
    return pd.DataFrame(
        {
            "sequence": decode_windows(np.concatenate([training.codes, validation.codes])),
            "label": np.concatenate([training.labels, validation.labels]).astype(np.int64),
            "paper": np.repeat(["train", "valid"], [len(training.labels), len(validation.labels)]),
        }
    )
