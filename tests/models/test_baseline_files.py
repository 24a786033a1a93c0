"""Baselines as files, there and back, and what is said of files that are not what they should be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rnamarks.errors import InputError
from rnamarks.models.baseline_files import load_baselines, rebuild_stack, save_baselines, stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.directory import ModelConfig
from rnamarks.tasks import Task

TASKS = [Task("human", modification="m6A", base="A", motif="DRACH", motif_offset=2), Task("mouse")]
HYPERPARAMETERS = {"kmer_blend": {"longest": 3, "reach": 4, "trees": 5}}


def fitted(name):
    """A baseline for two species, and windows."""
    generator = np.random.default_rng(0)
    codes, labels = generator.integers(0, 5, size=(200, 31)).astype(np.uint8), np.tile([0, 1], 100)
    kind = BASELINES[name]
    tasks = {
        species: kind(**HYPERPARAMETERS.get(name, {})).fit(codes[rows], labels[rows], seed=1)
        for species, rows in (("human", slice(0, 100)), ("mouse", slice(100, 200)))
    }
    return tasks, codes


@pytest.fixture(scope="module")
def stacked():
    """The configuration of a stack, its baselines, and windows."""
    baselines = {name: fitted(name)[0] for name in ("kmer_frequency", "kmer_blend")}
    weights = {task: {"network": 0.5, "kmer_frequency": 0.2, "kmer_blend": 0.3} for task in ("human", "mouse")}
    known = {name: tasks["human"].hyperparameters() for name, tasks in baselines.items()}
    stack = {"network": "network", "weights": weights, "baselines": known}
    return ModelConfig("mass", TASKS, 31, stack=stack), baselines, fitted("prevalence")[1]


@pytest.mark.parametrize("name", ["kmer_frequency", "kmer_blend", "prevalence"])
def test_model_directory_round_trip(tmp_path, name):
    tasks, codes = fitted(name)
    save_baselines(tmp_path / "model", name, tasks, TASKS, training={"scheme": "paper"})
    again, config = load_baselines(tmp_path / "model")
    assert (config.model, config.tasks, config.window) == (name, TASKS, 31)
    assert config.training == {"scheme": "paper"}
    for species, one in tasks.items():
        assert np.array_equal(again[species].logit(codes), one.logit(codes))
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="not the ones"):
        load_baselines(tmp_path / "model")


PATH = Path("folder/weights.safetensors")


def test_baselines_of_a_stack_round_trip(stacked):
    config, baselines, codes = stacked
    again = rebuild_stack(config, stack_arrays(baselines), PATH)
    assert list(again) == ["kmer_frequency", "kmer_blend"]
    for name, tasks in baselines.items():
        for task, one in tasks.items():
            assert np.array_equal(again[name][task].logit(codes), one.logit(codes))


def test_stacks_that_do_not_fit_their_arrays_are_refused(stacked):
    config, baselines, _ = stacked
    arrays = stack_arrays(baselines)

    def refused(said, arrays):
        with pytest.raises(InputError, match=said):
            rebuild_stack(config, arrays, PATH)

    refused("weights.safetensors: an array belongs to no baseline", arrays | {"other.human.table": np.zeros(3)})
    refused("weights.safetensors: an array belongs to no task", arrays | {"kmer_blend.yak.booster": np.zeros(3)})
    refused("unknown or missing arrays", {key: array for key, array in arrays.items() if not key.endswith("table")})


def test_without_xgboost_a_stack_says_so_before_it_scores(stacked, monkeypatch):
    config, baselines, _ = stacked
    # what sys.modules holds as None cannot be imported
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(InputError, match=r"needs xgboost, which is not installed; install it"):
        rebuild_stack(config, stack_arrays(baselines), PATH)


def test_trees_that_cannot_be_read_are_refused(stacked):
    _, baselines, _ = stacked
    arrays = baselines["kmer_blend"]["human"].to_arrays() | {"booster": np.zeros(10, dtype=np.uint8)}
    with pytest.raises(InputError, match="the boosted trees cannot be read"):
        BASELINES["kmer_blend"].from_arrays(arrays, HYPERPARAMETERS["kmer_blend"])
