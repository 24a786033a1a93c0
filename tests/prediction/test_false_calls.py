"""Shares of false calls are those of all sites together, whatever the chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnamarks.prediction import false_calls
from rnamarks.prediction.false_calls import FalseCalls


def in_memory(probability: np.ndarray) -> np.ndarray:
    """Everything sorted at once, the sum taken from the most probable site on."""
    falling = np.sort(probability)[::-1]
    mean = (np.cumsum(1.0 - falling.astype(np.float64)) / np.arange(1, len(falling) + 1)).astype(np.float32)
    return mean[np.searchsorted(-falling, -probability, side="right") - 1]


def streamed(chunks: list[np.ndarray], folder, run_rows: int) -> np.ndarray:
    shares = FalseCalls(iter(chunks), folder, run_rows)
    return np.concatenate([shares.q(number, chunk) for number, chunk in enumerate(chunks) if len(chunk)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), max_size=9), min_size=1, max_size=7))
def test_q_is_the_mean_of_what_may_be_wrong(tmp_path, values):
    chunks = [np.array(chunk, dtype=np.float32) for chunk in values]
    probability = np.concatenate(chunks)
    if not len(probability):
        return
    q = streamed(chunks, tmp_path, 3)
    expected = [np.mean(1 - probability[probability >= value].astype(float)) for value in probability]
    np.testing.assert_allclose(q, expected, atol=1e-6)
    assert (np.diff(q[np.argsort(-probability, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("digits", [None, 3, 0])
@pytest.mark.parametrize("run_rows", [1, 700, 1 << 15])
def test_not_a_bit_hangs_on_chunks(tmp_path, monkeypatch, digits, run_rows):
    monkeypatch.setattr(false_calls, "_PIECE", 512)
    rng = np.random.default_rng(1)
    probability = rng.beta(0.3, 2, 5000)
    probability = (probability if digits is None else probability.round(digits)).astype(np.float32)
    chunks = np.split(probability, [10, 11, 900, 900, 2500])
    assert (streamed(chunks, tmp_path, run_rows) == in_memory(probability)).all()
    assert not list(tmp_path.iterdir())
