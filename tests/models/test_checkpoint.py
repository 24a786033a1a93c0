"""A model directory gives back exactly the model that was written, or says what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.models.baseline_files import stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import Ensemble, Stack, load_model, save_model
from rnamarks.models.directory import ModelConfig, read_config, read_members, write_model
from rnamarks.models.registry import build_model
from rnamarks.prediction.score import score_windows
from rnamarks.tasks import Task

TASKS = [Task("human", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2), Task("mouse")]
SMALL = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    members = [build_model("mass", ["human", "mouse"], 21, SMALL) for _ in range(2)]
    config = ModelConfig(model="mass", tasks=TASKS, window=21, hyperparameters=SMALL)
    save_model(tmp_path, [member.state_dict() for member in members], config)
    torch.save([member.state_dict() for member in members], tmp_path / "expected.pt")
    return tmp_path


def test_round_trip_averages_the_members(folder):
    model, config = load_model(folder)
    x = torch.randint(0, 5, (4, 21), dtype=torch.uint8)
    expected = []
    for state in torch.load(folder / "expected.pt", weights_only=True):
        member = build_model("mass", config.task_names, 21, SMALL)
        member.load_state_dict(state)
        expected.append(member.eval()(x, "mouse"))
    with torch.inference_mode():
        torch.testing.assert_close(model(x, "mouse"), torch.stack(expected).mean(0))
    assert (config.members, config.tasks) == (2, TASKS)


def test_changed_weights_are_refused(folder):
    weights = folder / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(InputError, match="not the ones"):
        load_model(folder)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_missing_files_are_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=name.split(".")[0]):
        load_model(folder)


def test_weights_that_do_not_fit_the_configuration_are_refused(folder):
    path = folder / "config.json"
    document = json.loads(path.read_text())
    document["hyperparameters"]["dense"] = 6
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="do not fit"):
        load_model(folder)


WEIGHTS = {"human": {"net": 0.7, "kmer_logistic": 0.4}, "mouse": {"net": 0.0, "kmer_logistic": 1.5}}


@pytest.fixture
def stack(folder):
    """The folder of two networks made a stack, its baselines, and windows."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 5, size=(70, 21)).astype(np.uint8)
    tasks = {
        task: BASELINES["kmer_logistic"](longest=2, reach=3).fit(codes, random.permutation(70) % 2)
        for task in ("human", "mouse")
    }
    states, config = read_members(folder)
    known = {"kmer_logistic": tasks["human"].hyperparameters()}
    config.stack = {"network": "net", "weights": WEIGHTS, "baselines": known}
    write_model(folder, states, config, stack_arrays({"kmer_logistic": tasks}))
    return folder, tasks, codes


def test_a_stack_is_the_weighted_sum_of_its_members(stack):
    folder, tasks, codes = stack
    model, config = load_model(folder)
    assert isinstance(model, Stack)
    assert isinstance(model.networks, Ensemble)
    assert (model.training, config.members) == (False, 2)
    for task, weights in WEIGHTS.items():
        networks = score_windows(model.networks, codes, task)
        expected = weights["net"] * networks + weights["kmer_logistic"] * tasks[task].logit(codes)
        np.testing.assert_allclose(score_windows(model, codes, task), expected, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_the_size_of_a_batch_changes_no_score_of_a_stack(stack, batch_size):
    folder, _, codes = stack
    model, _ = load_model(folder)
    scores = score_windows(model, codes, "human", batch_size=batch_size)
    np.testing.assert_allclose(scores, score_windows(model, codes, "human", batch_size=32), atol=1e-5)


def test_the_networks_of_any_model_take_gradients(stack):
    model, _ = load_model(stack[0])
    columns = torch.zeros(3, 4, 21, requires_grad=True)
    with pytest.raises(ValueError, match=r"take its networks, model\.networks"):
        model(columns, "human")
    model.networks(columns, "human").sum().backward()
    assert columns.grad.abs().sum() > 0
    assert model.networks.networks is model.networks


def test_a_stack_whose_file_was_changed_is_refused(stack):
    path = stack[0] / "weights.safetensors"
    data = bytearray(path.read_bytes())
    at = data.rindex(np.array(stack[1]["mouse"].intercept).tobytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"not the ones that config.json names .*; copy the whole model directory"):
        load_model(stack[0])


def test_stacks_of_other_weights_have_other_hashes(stack):
    folder, tasks, _ = stack
    before = read_config(folder)[1]
    states, config = read_members(folder)
    write_model(folder, states, config, stack_arrays({"kmer_logistic": tasks}))
    assert read_config(folder)[1] == before
    config.stack["weights"] = {task: {"net": 0.1, "kmer_logistic": 0.4} for task in WEIGHTS}
    write_model(folder, states, config, stack_arrays({"kmer_logistic": tasks}))
    assert read_config(folder)[1] != before


def test_arrays_that_belong_to_no_network_are_refused(folder):
    states, config = read_members(folder)
    write_model(folder, states, config, {"kmer_logistic.human.intercept": np.zeros(1)})
    with pytest.raises(InputError, match=r"do not fit the network .*: kmer_logistic.human.intercept"):
        load_model(folder)


@pytest.mark.slow
def test_networks_are_described_without_the_compiler():
    """A job that loads a model builds it on the meta device first, where some functions import PyTorch's compiler."""
    code = """
import sys
import torch
from rnamarks.models.registry import MODELS, build_model
from rnamarks.models.student import Student
with torch.device("meta"):
    for embedding in ("word2vec", "hmm", "one_hot"):
        build_model("multirm", ["a"], 51, {"embedding": embedding})
    for name in MODELS:
        build_model(name, ["a"], 101)
    Student(["a"], receptive=51)
print(*sorted({"torch._dynamo", "sympy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
