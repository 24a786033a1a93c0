"""Small learnable data for the tests of training."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.training.sampler import TaskData


def make_task(seed: int, n: int, window: int = 21) -> TaskData:
    """Random windows in which positives carry GAC in the middle."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (n, window)).astype(np.uint8)
    labels = random.random(n) < 0.3
    middle = window // 2
    codes[labels, middle - 1 : middle + 2] = [2, 0, 1]
    return TaskData(codes, labels)


@pytest.fixture(scope="session")
def world():
    """Training and validation windows of two species."""
    training = {"human": make_task(1, 300), "mouse": make_task(2, 200)}
    validation = {"human": make_task(3, 120), "mouse": make_task(4, 120)}
    return training, validation
