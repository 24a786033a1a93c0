"""q-values and fractions of false calls are those of all tests together, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import false_discovery_control

from rnamarks.evaluation.calibration import Calibration
from rnamarks.prediction import ranks
from rnamarks.prediction.ranks import Ranks
from rnamarks.prediction.significance import Null

NULL = Null(np.random.default_rng(0).normal(size=500))


def in_memory(probability: np.ndarray) -> np.ndarray:
    """Everything sorted at once, the sum taken from the most probable test on."""
    falling = np.sort(probability)[::-1]
    mean = (np.cumsum(1.0 - falling.astype(np.float64)) / np.arange(1, len(falling) + 1)).astype(np.float32)
    return mean[np.searchsorted(-falling, -probability, side="right") - 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(-4, 6), max_size=9), min_size=1, max_size=7))
def test_the_fraction_is_the_mean_of_what_may_be_wrong(tmp_path, values):
    parts = [np.array(part, dtype=np.float32) for part in values]
    logits = np.concatenate(parts)
    if not len(logits):
        return
    found = Ranks(parts, NULL, expit, tmp_path)
    probability = expit(logits).astype(np.float32)
    expected = [np.mean(1 - probability[probability >= value].astype(float)) for value in probability]
    np.testing.assert_allclose(found.false_fraction(logits), expected, atol=1e-6)
    np.testing.assert_allclose(found.q(logits), false_discovery_control(NULL.p(logits).astype(np.float32)), rtol=1e-5)


@pytest.mark.parametrize("digits", [None, 1, 0])
@pytest.mark.parametrize("block", [1, 64, 1 << 18])
def test_not_a_bit_hangs_on_blocks(tmp_path, monkeypatch, digits, block):
    monkeypatch.setattr(ranks, "_BLOCK", block)
    logits = np.random.default_rng(1).normal(size=3000)
    logits = (logits if digits is None else logits.round(digits)).astype(np.float32)
    found = Ranks(np.split(logits, [10, 11, 900, 900, 2500]), NULL, expit, tmp_path)
    assert (found.false_fraction(logits) == in_memory(expit(logits).astype(np.float32))).all()
    expected = false_discovery_control(NULL.p(logits).astype(np.float32))
    np.testing.assert_allclose(found.q(logits), expected, rtol=1e-5)
    assert found.below(0.9) == (found.q(logits) < np.float32(0.9)).sum()
    assert not list(tmp_path.iterdir())


def test_a_system_that_cannot_reserve_room_ranks_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(ranks, "_BLOCK", 64)
    logits = np.random.default_rng(1).normal(size=3000).astype(np.float32)
    expected = Ranks([logits], NULL, expit, tmp_path)
    monkeypatch.delattr(ranks.os, "posix_fallocate")
    found = Ranks([logits], NULL, expit, tmp_path)
    assert (found.q(logits) == expected.q(logits)).all()
    assert (found.false_fraction(logits) == expected.false_fraction(logits)).all()


def test_equal_probabilities_of_different_logits_share_a_value(tmp_path):
    logits = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    flat = Calibration(prevalence=0.25, slope=0.0, intercept=-1.0, method="flat")
    share = Ranks([logits], None, flat.probability, tmp_path).false_fraction(logits)
    np.testing.assert_allclose(share, 1 - flat.probability(logits), atol=1e-7)


def test_nothing_to_rank(tmp_path):
    found = Ranks([], NULL, expit, tmp_path)
    assert (found.tests, found.below(0.5), len(found.q(np.zeros(0, dtype=np.float32)))) == (0, 0, 0)
    blank = Ranks([np.ones(3, dtype=np.float32)], None, None, tmp_path)
    assert np.isnan(blank.q(np.ones(3))).all()
    assert np.isnan(blank.false_fraction(np.ones(3))).all()
