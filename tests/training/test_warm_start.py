"""A training begins with the weights it is given, by task, and says what does not fit."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.models.settings.combiner import CombinerSettings
from rnamarks.tasks import Task
from rnamarks.training.sampler import TaskData
from rnamarks.training.settings import SiteSettings
from rnamarks.training.warm_start import Start, begin_from
from site_fits import fit_sites

SMALL = {"filters": [8, 4], "lstm_units": 4}
NAME, WINDOW = "deepm6aseq", 41


def built(tasks, seed, window=WINDOW, **changes):
    torch.manual_seed(seed)
    return build_model(NAME, tasks, window, SMALL | changes)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Two members of an ensemble of human and mouse."""
    folder = tmp_path_factory.mktemp("given")
    members = [built(["human", "mouse"], seed).state_dict() for seed in (1, 2)]
    save_model(folder, members, ModelConfig(NAME, [Task("human"), Task("mouse")], WINDOW, SMALL))
    return folder, members


def begin(network, folder, tasks, seed=0, task="", **changes):
    begin_from(network, Start(folder, task), name=NAME, hyperparameters=SMALL | changes, tasks=tasks, seed=seed)
    return network.state_dict()


def same(state, other, names):
    return all(torch.equal(state[mine], other[theirs]) for mine, theirs in names)


def keys_of(state, prefix):
    return [key for key in state if key.startswith(prefix)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_task_that_is_known_keeps_its_head(given, seed):
    folder, members = given
    state = begin(built(["mouse"], 9), folder, ["mouse"], seed)
    assert same(state, members[seed % 2], [(key, key) for key in state])
    assert keys_of(state, "heads.")
    assert not keys_of(state, "heads.human")


def test_a_new_task_is_random_or_a_copy(given):
    folder, members = given
    fresh = built(["yak"], 9).state_dict()
    drawn = begin(built(["yak"], 9), folder, ["yak"])
    copied = begin(built(["yak"], 9), folder, ["yak"], task="human")
    head = keys_of(fresh, "heads.yak.")
    shared = [key for key in fresh if key not in head]
    assert same(drawn, fresh, [(key, key) for key in head])
    assert same(drawn, members[0], [(key, key) for key in shared])
    assert same(copied, members[0], [(key, key.replace("yak", "human")) for key in head])


def test_networks_under_a_combiner_have_heads_of_their_own_names(given, tmp_path):
    _, members = given
    record = {"settings": asdict(CombinerSettings()), "heads": ["human", "mouse"]}
    save_model(tmp_path, members, ModelConfig(NAME, [Task("m6A")], WINDOW, SMALL, combiner=record))
    state = begin(built(["yak"], 9), tmp_path, ["yak"], task="mouse")
    assert same(state, members[0], [(key, key.replace("yak", "mouse")) for key in keys_of(state, "heads.yak.")])
    with pytest.raises(InputError, match=r"has no such task .found 'm6A'.; choose one of human, mouse"):
        begin(built(["yak"], 9), tmp_path, ["yak"], task="m6A")


@pytest.mark.parametrize("task", ["", "human"])
def test_rows_of_a_task_follow_it(tmp_path, task):
    """MultiRM's attention has one row per task outside the heads."""
    sizes = {"dims": 4, "units": 3, "attention": 3, "hidden": 3}
    torch.manual_seed(1)
    given = build_model("multirm", ["human", "mouse", "rat"], 21, sizes).state_dict()
    save_model(tmp_path, [given], ModelConfig("multirm", [Task(one) for one in ("human", "mouse", "rat")], 21, sizes))
    tasks = ["rat", "yak", "mouse", "human"]
    fresh = build_model("multirm", tasks, 21, sizes)
    drawn = {name: value.clone() for name, value in fresh.state_dict().items()}
    begin_from(fresh, Start(tmp_path, task), name="multirm", hyperparameters=sizes, tasks=tasks, seed=0)
    for name in fresh.by_task:
        found = fresh.state_dict()[name]
        yak = given[name][0] if task else drawn[name][1]
        assert torch.equal(found, torch.stack([given[name][2], yak, given[name][1], given[name][0]]))
    assert torch.equal(fresh.trunk.lstm.weight_ih_l0, given["trunk.lstm.weight_ih_l0"])


def test_what_does_not_fit_is_said(given):
    folder, _ = given
    with pytest.raises(InputError, match="do not fit the network"):
        begin(built(["human"], 0, lstm_units=6), folder, ["human"], lstm_units=6)
    with pytest.raises(InputError, match=r"no such task.*yak.*human, mouse"):
        begin(built(["human"], 0), folder, ["human"], task="yak")
    with pytest.raises(InputError, match="another network than mass"):
        begin_from(built(["human"], 0), Start(folder), name="mass", hyperparameters={}, tasks=["human"], seed=0)


def test_training_goes_on_from_the_weights(given, tmp_path):
    """With a rate of (nearly) zero the result is the start; another start has another checkpoint folder."""
    folder, members = given
    random = np.random.default_rng(0)
    data = {"mouse": TaskData(random.integers(0, 4, (40, WINDOW)).astype(np.uint8), np.arange(40) % 2 == 0)}
    rate = 1e-12
    settings = SiteSettings(epochs=1, steps_per_epoch=1, batch_size=8, learning_rate=rate, head_learning_rate=rate)
    states = {}
    for start in (Start(folder), Start(folder, "human"), None):
        result = fit_sites(NAME, SMALL, data, data, settings, seed=1, checkpoints=tmp_path, start=start)
        states[start] = result.state
    assert len(list(tmp_path.iterdir())) == 3
    weights = [key for key in states[None] if "running" not in key and "num_batches" not in key]
    for key in weights:
        torch.testing.assert_close(states[Start(folder)][key], members[1][key], atol=1e-6, rtol=0)
    assert not torch.equal(states[None][weights[0]], members[1][weights[0]])
