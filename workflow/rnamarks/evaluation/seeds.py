"""Runs, and how the seeds of one model become their ``mean`` and their ``ensemble``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

MEAN, ENSEMBLE = "mean", "ensemble"


@dataclass
class Run:
    """One file of predictions.

    Parameters
    ----------
    model, setting, scheme : str
        ``setting``: which tasks the model was trained on.
    seed : int
    frame : pandas.DataFrame
        Table ``predictions``, a task's own windows; or, for
        :func:`~rnamarks.evaluation.pools.build_pools`, ``tasks_predictions`` and one column
        of logits per task.
    """

    model: str
    setting: str
    scheme: str
    seed: int
    frame: pd.DataFrame

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.model} ({self.setting}, {self.scheme}, seed {self.seed})"


def join_seeds(found: Mapping[tuple[str, str], Mapping[str, np.ndarray]]) -> tuple[pd.DataFrame, np.ndarray]:
    """Logits of every seed of every model, each model's followed by their mean.

    Parameters
    ----------
    found : mapping of (model, setting) to mapping of seed to numpy.ndarray
        Arrays of one shape.

    Returns
    -------
    keys : pandas.DataFrame
        ``model``, ``setting``, ``seed`` of each row; ``seed`` is ``ensemble`` for mean logits.
    logits : numpy.ndarray, shape=(n_rows, ...)
    """
    keys, rows = [], []
    for (model, setting), seeds in found.items():
        keys += [(model, setting, seed) for seed in (*seeds, ENSEMBLE)]
        rows += [*seeds.values(), np.mean(list(seeds.values()), axis=0)]
    return pd.DataFrame(keys, columns=["model", "setting", "seed"]), np.stack(rows)


def members_of(keys: pd.DataFrame) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """Rows of every (model, setting): of each seed, of ``ensemble``, and of ``mean``, all seeds."""
    members = {}
    for key, rows in keys.groupby(["model", "setting"], sort=False):
        kinds = {seed: np.array([row]) for row, seed in rows["seed"].items()}
        members[key] = kinds | {MEAN: np.concatenate([row for seed, row in kinds.items() if seed != ENSEMBLE])}
    return members
