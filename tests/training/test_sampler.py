"""Batches are balanced, repeatable, and cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.training.sampler import BalancedSampler, TaskData, shift_windows


def data(positives: int, negatives: int) -> TaskData:
    labels = np.arange(positives + negatives) < positives
    # each window is its own number, so that rows can be told apart
    codes = np.arange(positives + negatives, dtype=np.uint8)[:, None].repeat(3, axis=1)
    return TaskData(codes, labels)


@pytest.mark.parametrize("sampling", ["replacement", "cycle"])
def test_batches_are_half_positive_and_depend_on_the_visit_alone(sampling):
    sampler = BalancedSampler("human", data(5, 100), batch_size=16, seed=1, sampling=sampling)
    first = [sampler.batch(visit) for visit in range(20)]
    again = [sampler.batch(visit) for visit in reversed(range(20))][::-1]
    for (codes, labels), (codes_again, labels_again) in zip(first, again, strict=True):
        assert labels.sum() == 8
        np.testing.assert_array_equal(codes, codes_again)
        np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(first[0][0], first[1][0])


def test_other_seeds_and_tasks_draw_other_windows():
    def drawn(name, seed):
        return BalancedSampler(name, data(50, 100), batch_size=64, seed=seed).batch(0)[0]

    assert not np.array_equal(drawn("human", 1), drawn("human", 2))
    assert not np.array_equal(drawn("human", 1), drawn("mouse", 1))


def test_cycle_shows_every_window_once_per_pass():
    sampler = BalancedSampler("human", data(6, 40), batch_size=8, seed=1, sampling="cycle")
    drawn = np.concatenate([sampler.batch(visit)[0][4:, 0] for visit in range(10)])
    assert sorted(drawn) == list(range(6, 46))
    positives = np.concatenate([sampler.batch(visit)[0][:4, 0] for visit in range(3)])
    assert sorted(positives) == sorted([*range(6), *range(6)])


def test_replacement_oversamples_the_smaller_class_evenly():
    sampler = BalancedSampler("human", data(4, 100), batch_size=80, seed=1)
    drawn = np.concatenate([sampler.batch(visit)[0][:40, 0] for visit in range(50)])
    counts = np.bincount(drawn, minlength=4)[:4]
    assert counts.sum() == 2000
    assert counts.min() > 400


def test_a_class_without_windows_is_an_error_that_names_the_species():
    with pytest.raises(InputError, match="zebrafish has no negatives"):
        BalancedSampler("zebrafish", data(5, 0), batch_size=8, seed=1)
    with pytest.raises(InputError, match="even"):
        BalancedSampler("zebrafish", data(5, 5), batch_size=7, seed=1)


@given(st.integers(-5, 5))
def test_shift_moves_the_window_and_lets_n_in(shift):
    codes = np.array([[0, 1, 2, 3, 0]], dtype=np.uint8)
    (moved,) = shift_windows(codes, [shift])
    expected = [codes[0, i - shift] if 0 <= i - shift < 5 else 4 for i in range(5)]
    assert moved.tolist() == expected
