"""Made-up predictions of models with several heads."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnamarks.evaluation.mark_panels import MarkRun

MARKS = {"Am": "A", "m6A": "A", "Cm": "C", "Um": "U", "Y": "U"}
EACH = {"valid": 60, "test": 50}


def made_windows(marks=tuple(MARKS), each=None, shared: int = 4) -> pd.DataFrame:
    """Windows of both parts; the first ``shared`` sites of ``Am`` are unmodified windows of ``m6A`` as well."""
    rows = []
    for part, n in (each or EACH).items():
        for mark in marks:
            for label in (1, 0):
                for at in range(n):
                    both = mark == "Am" and label and at < shared and "m6A" in marks
                    own = "Am,m6A" if both else mark
                    name = f"{mark}:{part}:{label}:{at}"
                    rows.append((name, part, own, mark if label else "", MARKS[mark], at == n - 1 and mark == "Cm"))
    return pd.DataFrame(rows, columns=["window", "part", "own", "positive", "base", "seen"])


def made_run(model: str, seed: int, strength: float, *, setting="all", split="paper", windows=None, marks=None):
    """A run whose logits are ``strength`` higher where a window has the mark, and higher where the base fits."""
    windows = made_windows() if windows is None else windows
    noise, world = np.random.default_rng([seed, len(model)]), np.random.default_rng(7)
    columns = {}
    for mark in marks or tuple(MARKS):
        common = world.normal(size=len(windows))
        positive = np.array([mark in text.split(",") for text in windows["positive"]])
        fits = (windows["base"] == MARKS[mark]).to_numpy()
        logits = strength * (positive + 0.5 * common) + fits + 0.5 * noise.normal(size=len(windows))
        columns[mark] = logits.astype(np.float32)
    frame = pd.concat([windows, pd.DataFrame(columns)], axis=1).sample(frac=1, random_state=seed)
    return MarkRun(model, setting, split, seed, frame)


def made_runs() -> list[MarkRun]:
    """A good network of three seeds, a worse one, a shorter one, and two baselines."""
    runs = [made_run("multirm_51", seed, 1.6) for seed in (1, 2, 3)]
    runs += [made_run("multirm_21", seed, 1.1) for seed in (1, 2)]
    runs += [made_run("kmer_logistic", 0, 1.0, setting="single")]
    return [*runs, made_run("prevalence", 0, 0.0, setting="single")]
