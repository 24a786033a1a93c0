"""p from a null distribution, q from p, and the files of the null."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.register import build_model
from rnamarks.prediction.significance import (
    EASE,
    ENOUGH,
    NULL,
    FalseDiscoveries,
    Null,
    benjamini_hochberg,
    draw_unmodified,
    read_null,
    write_null,
)
from rnamarks.sites.motifs import find_motif

SMALL = {"filters": [4, 4], "lstm_units": 2}


def step(null: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (1 + (null[None] >= np.asarray(x)[:, None]).sum(axis=1)) / (1 + len(null))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 80), st.integers(0, 10_000), st.booleans())
def test_p_is_the_mean_of_the_formula_just_below_the_logit(n, seed, ties):
    rng = np.random.default_rng(seed)
    null = rng.normal(3, 2, size=n)
    null = np.round(null) if ties else null
    if len(np.unique(null)) < 2:
        return
    one = Null(rng.permutation(null))
    reach = EASE * null.std()
    x = np.concatenate([rng.normal(3, 3, size=50), null, null + reach / 2])
    along = (x[:, None] - reach * (np.arange(200) + 0.5) / 200).ravel()
    np.testing.assert_allclose(one.p(x), step(null, along).reshape(-1, 200).mean(axis=1), atol=0.006)
    assert (one.p(x) >= step(null, x) - 1e-12).all()
    assert (one.p(x) <= step(null, x - reach) + 1e-12).all()
    assert (np.diff(one.p(np.sort(x))) <= 1e-12).all()
    np.testing.assert_allclose(one.p(np.array([-1e9, 1e9])), [1, 1 / (1 + n)])


def test_rounding_of_a_logit_moves_p_by_rounding_only():
    rng = np.random.default_rng(0)
    for spread in (0.2, 5):
        one = Null(rng.normal(scale=spread, size=20_000))
        x = rng.normal(scale=spread, size=50_000)
        assert np.abs(one.p(x) - one.p(x + 1e-6)).max() < 1e-5
        exact = 1 + 20_000 - np.searchsorted(np.sort(one._logits), x)
        assert (one.p(x) * 20_001 / exact).max() < 1.2


def test_a_null_of_ten_thousand_reaches_one_in_ten_thousand():
    one = Null(np.random.default_rng(0).normal(size=ENOUGH))
    assert one.p(np.array([20.0]))[0] <= 1e-4


def test_p_of_unmodified_bases_is_uniform():
    rng = np.random.default_rng(1)
    p = Null(rng.normal(size=10_000)).p(rng.normal(size=20_000))
    for alpha in (0.01, 0.05, 0.5):
        assert (p < alpha).mean() == pytest.approx(alpha, abs=0.012)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_model_with_nothing_to_say_calls_nothing(value):
    """A stack whose weights are 0 gives every base one logit."""
    one = Null(np.full(10_000, value))
    np.testing.assert_array_equal(one.p(np.full(3, value)), 1.0)
    assert one.p(np.array([value + 1]))[0] == 1 / 10_001


@pytest.mark.parametrize("logits", [[], [1.0], [1.0, np.nan], [1.0, np.inf]])
def test_what_is_no_null(logits):
    with pytest.raises(InputError, match="null distribution needs"):
        Null(np.array(logits))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(0, 10_000), st.sampled_from([1, 3, 40]))
def test_q_agrees_with_scipy(n, seed, values):
    p = np.float32(np.random.default_rng(seed).integers(1, values + 1, n) / values)
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-5)


def test_q_over_blocks_agrees_with_scipy(monkeypatch):
    monkeypatch.setattr("rnamarks.prediction.significance._BLOCK", 64)
    p = np.random.default_rng(3).random(1000).astype(np.float32) ** 2
    discoveries = FalseDiscoveries(p.copy())
    expected = false_discovery_control(p)
    np.testing.assert_allclose(discoveries.q(p), expected, rtol=1e-5)
    assert discoveries.below(0.3) == (expected < 0.3).sum()
    assert len(benjamini_hochberg(np.zeros(0))) == 0


def test_unmodified_bases_are_drawn_evenly_and_known_ones_not_at_all():
    rng = np.random.default_rng(4)
    sequences = [("a", rng.integers(0, 4, 300).astype(np.uint8)), ("b", rng.integers(0, 4, 2700).astype(np.uint8))]
    candidates = {"I": lambda codes: find_motif(codes, "A")}
    known = {"I": {"b": candidates["I"](sequences[1][1])[1:]}}
    windows = draw_unmodified(sequences, candidates, 5, 10_000, 0, known)["I"]
    assert len(windows) == (sequences[0][1] == 0).sum() + 1
    assert (windows[:, 2] == 0).all()
    few = [len(draw_unmodified(sequences, candidates, 5, 50, seed)["I"]) for seed in range(3)]
    assert few == [50] * 3
    once, again = (draw_unmodified(sequences, candidates, 5, 50, 7)["I"] for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, draw_unmodified(sequences, candidates, 5, 50, 8)["I"])


@pytest.fixture
def folder(tmp_path):
    network = build_model("deepm6aseq", ["m6A", "I"], 21, SMALL)
    save_model(tmp_path, [network.state_dict()], ModelConfig("deepm6aseq", ["m6A", "I"], 21, SMALL))
    return tmp_path


def test_files_of_the_null(folder):
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="no null distribution, which p-values need"):
        read_null(folder, ["m6A"])
    write_null(folder, {"m6A": rng.normal(size=50)}, source="some")
    write_null(folder, {"student.m6A": rng.normal(size=30)}, source="more")
    assert read_null(folder, ["m6A"])["m6A"].size == 50
    assert read_null(folder, ["m6A"], prefix="student.")["m6A"].size == 30
    assert json.loads((folder / "config.json").read_text())["null"]["sizes"] == {"m6A": 50, "student.m6A": 30}
    with pytest.raises(InputError, match=r"no null distribution for the head.*'I'"):
        read_null(folder, ["m6A", "I"])
    with pytest.raises(InputError, match="of the fast mode for the head"):
        read_null(folder, ["I"], prefix="student.")
    with pytest.raises(InputError, match="no such head"):
        write_null(folder, {"Y": rng.normal(size=5)}, source="")


def test_damaged_files_of_the_null(folder):
    write_null(folder, {"m6A": np.arange(50.0)}, source="some")
    whole = (folder / NULL).read_bytes()
    (folder / NULL).write_bytes(whole[:-1] + b"x")
    with pytest.raises(InputError, match=r"not the one that config.json names.*again"):
        read_null(folder, ["m6A"])
    (folder / NULL).unlink()
    with pytest.raises(InputError, match=r"null.safetensors: the null distribution is missing.*again"):
        read_null(folder, ["m6A"])
