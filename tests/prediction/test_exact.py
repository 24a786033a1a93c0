"""The engines give the same logits and attention as the networks that they stand for."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.models.baseline_files import stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import Ensemble, load_model
from rnamarks.models.directory import read_members, write_model
from rnamarks.prediction import engine as engines
from rnamarks.prediction import exact, lookup
from rnamarks.prediction.engine import score_each
from rnamarks.prediction.exact import ExactEngine
from rnamarks.prediction.modes import load_engine
from rnamarks.sites.motifs import find_motif
from rnamarks.sites.windows import lay

sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world

ROOM = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def laid():
    rng = np.random.default_rng(0)
    lengths = (300, 40, 1, 2, 12, 150)
    codes = [rng.integers(0, 4, length).astype(np.uint8) for length in lengths]
    codes[1][15:18] = 4
    return lay(codes, ROOM)


def sites_of(laid):
    return {
        task: find_motif(laid.codes, base if motif == "N" else motif, offset)
        for task, (base, motif, offset) in world.PLACES.items()
    }


def expected(model, laid, sites):
    with torch.no_grad():
        return {
            task: model(torch.from_numpy(laid.windows(at, world.WINDOW)), task).numpy() for task, at in sites.items()
        }


@pytest.mark.parametrize("embedding", ["word2vec", "one_hot", "hmm"])
@pytest.mark.parametrize("crop", [0, world.CROP])
def test_logits_and_attention_are_those_of_the_networks(laid, embedding, crop, monkeypatch):
    for module in (engines, exact, lookup):
        monkeypatch.setattr(module, "SPAN", 97)
    model = Ensemble([world.network(seed, embedding=embedding, crop=crop) for seed in range(2)])
    engine = ExactEngine(model, world.WINDOW, batch_size=13)
    assert engine.width == (crop or world.WINDOW)
    sites = sites_of(laid)
    scores = engine.score(laid.codes, sites, attend=True)
    for task, logits in expected(model, laid, sites).items():
        assert len(logits) > 1
        assert logits.std() > 1e-3
        np.testing.assert_allclose(scores.logits[task], logits, atol=1e-5)
        windows = torch.from_numpy(laid.windows(sites[task], world.WINDOW))
        with torch.no_grad():
            weights = torch.stack([member.attend(windows) for member in model.members]).mean(0)
        np.testing.assert_allclose(scores.weights[task], weights[:, world.NAMES.index(task)], atol=1e-6)
        own = score_each(engine, {task: windows.numpy()})[task]
        np.testing.assert_allclose(own, logits, atol=1e-5)


def test_batches_and_order_change_nothing(folder, laid):
    model, config = load_model(folder)
    sites = sites_of(laid)
    reference = ExactEngine(model, config.window, batch_size=1).score(laid.codes, sites).logits
    for size in (7, 64, 1000):
        found = ExactEngine(model, config.window, batch_size=size).score(laid.codes, sites).logits
        for task, logits in found.items():
            np.testing.assert_allclose(logits, reference[task], atol=1e-5)
    alone = ExactEngine(model, config.window).score(laid.codes, {"Y": sites["Y"]}).logits["Y"]
    np.testing.assert_allclose(alone, reference["Y"], atol=1e-5)


def test_heads_without_a_base(folder, laid):
    model, config = load_model(folder)
    nothing = np.zeros(0, dtype=np.int64)
    scores = ExactEngine(model, config.window).score(laid.codes, {"m6A": nothing, "I": nothing}, attend=True)
    assert scores.logits["m6A"].shape == (0,)
    assert scores.weights["I"].shape == (0, world.CROP - 2)


def test_other_networks_run_equal_windows_once_and_all_tasks_together(tiny_model):
    model, config = load_model(tiny_model)
    engine = ExactEngine(model, config.window, batch_size=7)
    codes = np.random.default_rng(1).integers(0, 5, (50, config.window)).astype(np.uint8)
    codes[:, config.window // 2] = 0
    codes[30:] = codes[:20]
    with torch.no_grad():
        logits = {task: model(torch.from_numpy(codes), task).numpy() for task in ("human", "mouse")}
    for tasks in (["human"], ["mouse", "human"]):
        found = score_each(engine, {task: codes[::-1] if task == "mouse" else codes for task in tasks})
        for task in tasks:
            expected = logits[task][::-1] if task == "mouse" else logits[task]
            np.testing.assert_allclose(found[task], expected, atol=1e-5)
    asked = []
    engine._members[0]._network.register_forward_pre_hook(lambda _, given: asked.append(len(given[0])))
    engine.score(codes.ravel(), {"human": np.arange(50) * config.window + config.window // 2})
    assert sum(asked) == 30
    assert not engine.attends


def test_a_stack_is_the_stack(folder, laid, tmp_path):
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, (60, world.WINDOW)).astype(np.uint8)
    fitted = {"naive_bayes_trinucleotide": {}}
    for task in world.NAMES:
        fitted["naive_bayes_trinucleotide"][task] = BASELINES["naive_bayes_trinucleotide"]().fit(
            codes, rng.integers(0, 2, 60)
        )
    states, config = read_members(folder)
    config.stack = {
        "network": "multirm",
        "weights": {task: {"multirm": 0.7, "naive_bayes_trinucleotide": 0.4} for task in world.NAMES},
        "baselines": {"naive_bayes_trinucleotide": {"k": 3, "smoothing": 2.0}},
    }
    write_model(tmp_path, states, config, stack_arrays(fitted))
    model, config = load_model(tmp_path)
    engine = ExactEngine(model, config.window, batch_size=17)
    assert engine.width == world.WINDOW
    sites = sites_of(laid)
    scores = engine.score(laid.codes, sites, attend=True)
    for task, logits in expected(model, laid, sites).items():
        np.testing.assert_allclose(scores.logits[task], logits, atol=1e-5)
        assert scores.weights[task].shape == (len(logits), world.CROP - 2)


def test_fast_engine_agrees_with_the_student(folder, laid):
    loaded = load_engine(folder, "fast", device="cpu")
    assert loaded.engine.width == world.CROP
    sites = sites_of(laid)
    for task, logits in loaded.engine.score(laid.codes, sites).logits.items():
        windows = laid.windows(sites[task], world.WINDOW)
        middle = windows[:, 3:-3]
        found = score_each(loaded.engine, {task: middle})[task]
        np.testing.assert_allclose(logits, found, atol=1e-5)


def test_mistakes(folder, tmp_path):
    with pytest.raises(InputError, match="exact, fast"):
        load_engine(folder, "slow")
    with pytest.raises(InputError, match="at least 1"):
        load_engine(folder, batch_size=0)
    with pytest.raises(InputError, match="no student"):
        load_engine(world.build(tmp_path / "m", student=False), "fast")
    with pytest.raises(ValueError, match="no middle"):
        score_each(ExactEngine(load_model(folder)[0], world.WINDOW), {"I": np.zeros((1, 20), dtype=np.uint8)})
