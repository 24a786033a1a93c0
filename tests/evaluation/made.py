"""Made-up predictions of models with several tasks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnamarks.evaluation.seeds import Run
from rnamarks.tasks import Task

BASES = {"Am": "A", "m6A": "A", "Cm": "C", "Um": "U", "Y": "U"}
TASKS = [Task(name, species="human", modification=name, base=base) for name, base in BASES.items()]
EACH = {"valid": 60, "test": 50}


def made_windows(bases=BASES, shared: int = 4) -> pd.DataFrame:
    """Windows of both splits; the first ``shared`` sites of ``Am`` are unmodified windows of ``m6A`` as well."""
    rows = []
    for split, n in EACH.items():
        for task, base in bases.items():
            for label in (1, 0):
                for at in range(n):
                    own = "Am,m6A" if task == "Am" and label and at < shared else task
                    name = f"{task}:{split}:{label}:{at}"
                    rows.append((name, split, own, task if label else "", base, at == n - 1 and task == "Cm"))
    return pd.DataFrame(rows, columns=["window", "split", "own", "positive", "base", "seen"])


def made_run(model: str, seed: int, strength: float, *, setting="all", windows=None, tasks=tuple(BASES), bases=BASES):
    """A run whose logits are ``strength`` higher where a window is modified, and higher where the base fits."""
    windows = made_windows() if windows is None else windows
    noise, common = np.random.default_rng([seed, len(model)]), np.random.default_rng(7)
    columns = {}
    for task in tasks:
        shared = common.normal(size=len(windows))
        positive = np.array([task in text.split(",") for text in windows["positive"]])
        fits = (windows["base"] == bases[task]).to_numpy()
        logits = strength * (positive + 0.5 * shared) + fits + 0.5 * noise.normal(size=len(windows))
        columns[task] = logits.astype(np.float32)
    frame = pd.concat([windows, pd.DataFrame(columns)], axis=1).sample(frac=1, random_state=seed)
    return Run(model, setting, "paper", seed, frame)


def made_runs() -> list[Run]:
    """A good network of three seeds, a worse one, a shorter one, and two baselines."""
    runs = [made_run("multirm_51", seed, 1.6) for seed in (1, 2, 3)]
    runs += [made_run("multirm_21", seed, 1.1) for seed in (1, 2)]
    runs += [made_run("kmer_logistic", 0, 1.0, setting="single")]
    return [*runs, made_run("prevalence", 0, 0.0, setting="single")]


def own_windows(run: Run) -> Run:
    """The same run as predictions of each task's own windows."""
    frames = []
    for task in run.frame.columns[6:]:
        frame = run.frame[[task in names.split(",") for names in run.frame["own"]]]
        label = [int(task in names.split(",")) for names in frame["positive"]]
        frames.append(frame[["window", "split"]].assign(task=task, label=label, logit=frame[task]))
    return Run(run.model, run.setting, run.scheme, run.seed, pd.concat(frames, ignore_index=True))


def of(table: pd.DataFrame, **wanted) -> pd.DataFrame:
    """Rows of a table that have the wanted values."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table
