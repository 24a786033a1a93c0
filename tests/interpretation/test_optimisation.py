"""Class optimisation finds the letters that raise a logit, where they raise it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.optimisation import (
    OptimisationSettings,
    allowed_nucleotides,
    information,
    motif_table,
    optimise_class,
    optimise_models,
    start_table,
)
from rnamarks.models.checkpoint import Ensemble, ModelConfig, save_model
from rnamarks.models.layers import OneHot
from rnamarks.models.registry import build_model
from rnamarks.sequences import encode
from rnamarks.tasks import Task

WINDOW = 31
PLANTED, PLACE = "GGACU", 7
SMALL = {"filters": 8, "filter_width": 6, "channels": 8, "lstm_units": 4, "attention_heads": 2, "attention_width": 4}


class Linear(nn.Module):
    """The logit is a weighted sum of letters, of another sign for head b."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.one_hot = OneHot()
        self.weights = nn.Parameter(torch.from_numpy(weights.astype(np.float32)))

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        total = (self.one_hot(codes) * self.weights).sum(dim=(1, 2))
        return total if head == "a" else -total


def weights_of(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, WINDOW))


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """A small MASS that has learned a word at one place; half of the negatives have it elsewhere."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (800, WINDOW)).astype(np.uint8)
    labels = np.arange(800) % 2
    for row in np.flatnonzero(labels == 0)[::2]:
        start = random.choice([0, 1, 2, 14, 16, 18, 20, 22, 24, 26])
        codes[row, start : start + 5] = encode(PLANTED)
    codes[labels == 1, PLACE : PLACE + 5] = encode(PLANTED)
    torch.manual_seed(0)
    model = build_model("mass", ["a"], WINDOW, SMALL | {"dense": 8, "dropout": 0.0})
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    x, y = torch.from_numpy(codes), torch.from_numpy(labels).float()
    for _ in range(8):
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(x[rows], "a"), y[rows]).backward()
            optimizer.step()
    return model.eval()


def test_planted_word_stands_at_its_place(trained):
    optimum = optimise_class(trained, "a", WINDOW, OptimisationSettings(gamma=0.1, steps=100, starts=4))
    mean = optimum.pwms.mean(axis=0)
    bits = information(mean)
    inside = slice(PLACE, PLACE + 5)
    assert mean.argmax(axis=0)[inside].tolist() == encode(PLANTED).tolist()
    outside = np.delete(bits, np.r_[inside])
    assert bits[inside].min() > outside.max()
    assert bits[inside].mean() > 5 * outside.mean()
    assert (start_table(optimum, "human", "multi")["agreement"] > 0.8).all()


def test_maximum_of_a_linear_network_is_known():
    """With raw input the penalised optimum is S = w / (2 gamma)."""
    weights = weights_of()
    settings = OptimisationSettings(input="raw", gamma=0.5, steps=400, rate=0.05, starts=3)
    optimum = optimise_class(Linear(weights), "a", WINDOW, settings)
    expected = np.exp(weights) / np.exp(weights).sum(axis=0)
    np.testing.assert_allclose(optimum.pwms, np.repeat(expected[None], 3, axis=0), atol=2e-3)
    np.testing.assert_allclose(optimum.logits, (weights**2).sum(), rtol=1e-3)
    np.testing.assert_allclose(optimum.objectives, (weights**2).sum() / 2, rtol=1e-3)
    np.testing.assert_allclose(optimum.gains, 0, atol=1e-2)


def test_softmax_optimum_satisfies_its_condition():
    """At the optimum p * (w - p.w) = 2 gamma S in every column; S sums to zero there."""
    weights = weights_of()
    settings = OptimisationSettings(gamma=0.05, steps=600, rate=0.1, starts=2)
    pwms = optimise_class(Linear(weights), "a", WINDOW, settings).pwms
    logs = np.log(pwms)
    matrix = logs - logs.mean(axis=1, keepdims=True)
    pull = pwms * (weights - (pwms * weights).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(pull, 2 * 0.05 * matrix, atol=2e-3)


def test_heads_and_objectives():
    model = Linear(weights_of())
    few = {"steps": 300, "starts": 2}
    a = optimise_class(model, "a", WINDOW, OptimisationSettings(**few))
    b = optimise_class(model, "b", WINDOW, OptimisationSettings(**few))
    assert a.pwms.mean(axis=0).argmax(axis=0).tolist() == weights_of().argmax(axis=0).tolist()
    assert b.pwms.mean(axis=0).argmax(axis=0).tolist() == weights_of().argmin(axis=0).tolist()
    flat = optimise_class(model, "a", WINDOW, OptimisationSettings(objective="probability", **few))
    assert information(flat.pwms).sum() < information(a.pwms).sum()


def test_ensemble_climbs_the_mean_of_its_members():
    first, second = weights_of(1), weights_of(2)
    settings = OptimisationSettings(steps=60, starts=2)
    together = optimise_class(Ensemble([Linear(first), Linear(second)]), "a", WINDOW, settings)
    mean = optimise_class(Linear((first + second) / 2), "a", WINDOW, settings)
    np.testing.assert_allclose(together.pwms, mean.pwms, atol=1e-4)


def test_starts_are_seeded_and_do_not_depend_on_their_number(trained):
    settings = {"steps": 5}
    two = optimise_class(trained, "a", WINDOW, OptimisationSettings(starts=2, **settings), seed=3)
    four = optimise_class(trained, "a", WINDOW, OptimisationSettings(starts=4, **settings), seed=3)
    other = optimise_class(trained, "a", WINDOW, OptimisationSettings(starts=2, **settings), seed=4)
    np.testing.assert_allclose(two.pwms, four.pwms[:2], atol=1e-5)
    assert np.abs(two.pwms - other.pwms).max() > 0.05
    np.testing.assert_allclose(two.pwms.sum(axis=1), 1, atol=1e-6)


def test_weights_and_mode_stay_as_they_were(trained):
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    trained.train()
    optimise_class(trained, "a", WINDOW, OptimisationSettings(steps=3, starts=1))
    assert trained.training
    assert all(torch.equal(before[name], tensor) for name, tensor in trained.state_dict().items())
    trained.eval()


@pytest.mark.parametrize("way", ["softmax", "raw"])
def test_held_motif_has_no_other_letter(trained, way):
    settings = OptimisationSettings(steps=20, starts=2, input=way, motif="DRACH", motif_offset=2)
    optimum = optimise_class(trained, "a", WINDOW, settings)
    allowed = allowed_nucleotides(WINDOW, "DRACH", 2)
    assert np.flatnonzero(optimum.held).tolist() == [13, 14, 15, 16, 17]
    assert not optimum.pwms[:, ~allowed].any()
    assert optimum.pwms[:, 0, 15].tolist() == [1, 1]
    assert optimum.pwms[:, 1, 16].tolist() == [1, 1]
    table = motif_table(optimum, "human", "multi")
    assert table.loc[(table["start"] == "mean") & table["held"], "offset"].tolist() == [-2, -1, 0, 1, 2]


def test_information():
    pwms = np.array([[0.25, 1.0, 0.5], [0.25, 0.0, 0.5], [0.25, 0.0, 0.0], [0.25, 0.0, 0.0]])
    np.testing.assert_allclose(information(pwms), [0, 2, 1])


def test_tables(trained):
    optimum = optimise_class(trained, "a", WINDOW, OptimisationSettings(steps=10, starts=3))
    motifs, starts = motif_table(optimum, "human", "multi"), start_table(optimum, "human", "multi")
    assert list(motifs.columns) == column_names("optimised", task_columns=False)
    assert list(starts.columns) == column_names("optimised_starts", task_columns=False)
    assert motifs["start"].unique().tolist() == ["mean", "1", "2", "3"]
    mean = motifs[motifs["start"] == "mean"]
    assert mean["position"].tolist() == list(range(WINDOW))
    assert mean.loc[mean["offset"] == 0, "position"].tolist() == [WINDOW // 2]
    np.testing.assert_allclose(mean[list("ACGU")].sum(axis=1), 1)
    assert (mean["low"] <= mean["mean_bits"]).all()
    assert (mean["mean_bits"] <= mean["high"]).all()
    # information is convex, so the mean of the starts holds no more than they do on average
    assert (mean["bits"] <= mean["mean_bits"] + 1e-9).all()
    assert motifs.loc[motifs["start"] != "mean", ["mean_bits", "sd", "low", "high"]].isna().all(axis=None)
    assert starts["consensus"].str.fullmatch(f"[ACGU]{{{WINDOW}}}").all()
    assert starts["agreement"].between(-1, 1).all()
    with torch.no_grad():
        codes = torch.from_numpy(np.stack([encode(text) for text in starts["consensus"]]))
        np.testing.assert_allclose(starts["consensus_logit"], trained(codes, "a").numpy(), atol=1e-4)
    alone = optimise_class(trained, "a", WINDOW, OptimisationSettings(steps=2, starts=1))
    assert start_table(alone, "human", "multi")["agreement"].isna().all()


def test_model_directories(trained, tmp_path):
    config = ModelConfig("mass", [Task("a")], WINDOW, SMALL | {"dense": 8, "dropout": 0.0})
    for name, count in (("multi", 2), ("single", 1)):
        members = [{key: tensor.clone() for key, tensor in trained.state_dict().items()} for _ in range(count)]
        save_model(tmp_path / name, members, config)
    said: list[str] = []
    optima = optimise_models(
        [("multi", "a", tmp_path / "multi"), ("single", "a", tmp_path / "single")],
        OptimisationSettings(steps=5, starts=2),
        device="cpu",
        report=said.append,
    )
    assert set(optima) == {("multi", "a"), ("single", "a")}
    motifs = pd.concat([motif_table(optimum, *who) for who, optimum in optima.items()])
    assert len(motifs) == 2 * 3 * WINDOW
    assert list(motifs.columns) == column_names("optimised", task_columns=False)
    assert len(start_table(optima["multi", "a"], "multi", "a")) == 2
    # two equal members are one
    np.testing.assert_allclose(optima["multi", "a"].pwms, optima["single", "a"].pwms, atol=1e-4)
    assert len(said) == 2
    with pytest.raises(InputError, match="choose one of a"):
        optimise_models([("multi", "zebra", tmp_path / "multi")])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "loss"}, "logit, probability"),
        ({"input": "codes"}, "softmax, raw"),
        ({"input": "soft"}, "softmax, raw"),
        ({"gamma": -1}, "gamma is not a number from 0"),
        ({"gamma": float("nan")}, "gamma is not a number from 0"),
        ({"starts": 0}, "starts is not a whole number from 1"),
        ({"rate": 0}, "rate is not a number above 0"),
        ({"gama": 1}, "known are gamma, input, motif"),
        ({"motif": "DRACH", "motif_offset": 5}, "outside the motif"),
    ],
)
def test_wrong_settings_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        OptimisationSettings.from_mapping(changes)


@pytest.mark.parametrize(("motif", "offset"), [("DRACH", 5), ("DRACH", -1), ("N" * 40, 3), ("D!", 0)])
def test_motif_that_does_not_fit(motif, offset):
    with pytest.raises(InputError, match="motif"):
        allowed_nucleotides(WINDOW, motif, offset)
