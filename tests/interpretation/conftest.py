"""Windows with planted k-mers, as what is attended in them, for the tests of consensus motifs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.figures.design import Design
from rnamarks.interpretation.pwm import PWM
from rnamarks.sequences import decode_windows, encode
from rnamarks.tasks import Task
from stand_in import run_script

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 41


def attended(codes, weights, task="m6A", method="attention"):
    return pd.DataFrame(
        {
            "predictor": "multi",
            "task": task,
            "method": method,
            "window": [f"w{at}" for at in range(len(codes))],
            "sequence": decode_windows(codes),
            "logit": np.linspace(4, 1, len(codes)),
            "weights": list(weights.astype(np.float32)),
        }
    )[column_names("explained")]


def plant(word, offset, n=80, seed=0, spread=0):
    """Windows with a word ``offset`` from the site and weights on it."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (n, WINDOW)).astype(np.uint8)
    weights = generator.random((n, WINDOW)) * 0.1
    for at in range(n):
        start = WINDOW // 2 + offset + int(generator.integers(-spread, spread + 1))
        codes[at, start : start + len(word)] = encode(word)
        weights[at, start : start + len(word)] += 1
    return codes, weights


def others(n=100, seed=9):
    return np.random.default_rng(seed).integers(0, 4, (n, WINDOW)).astype(np.uint8)


def sharp(name, word):
    frequencies = np.full((len(word), 4), 0.02)
    frequencies[np.arange(len(word)), encode(word)] = 0.94
    return PWM(name, frequencies)


@pytest.fixture(scope="session")
def planted():
    """Functions that make planted windows, tables of them, and sharp motifs."""
    return SimpleNamespace(attended=attended, plant=plant, others=others, sharp=sharp)


@pytest.fixture(scope="session", name="run_script")
def run_script_of_the_stage():
    """A function that runs a script of the stage."""

    def run(name, folder, **job):
        run_script(f"interpretation/{name}", folder / f"{name}.log", **job)

    return run


@pytest.fixture(scope="session")
def make_design():
    """A function that makes the design of a run from tasks."""

    def make(*tasks: Task, offers=("attention", "consensus", "motifs", "optimisation", "association", "mutations")):
        return Design("run", tasks, (), None, "paper", frozenset(offers))

    return make
