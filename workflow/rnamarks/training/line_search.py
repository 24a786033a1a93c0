"""Hyperparameters one at a time, each judged by five-fold cross-validation (Xiong et al. 2021, Methods)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from ..dictionary import column_names
from .fit import fit_network
from .sampler import TaskData
from .settings import SiteSettings
from .targets.site import SiteTarget
from .trunks import Pretrained


def folds_of(
    data: Mapping[str, TaskData], *, folds: int, seed: int
) -> list[tuple[dict[str, TaskData], dict[str, TaskData]]]:
    """Cross-validation folds of every task at once.

    Parameters
    ----------
    data : mapping of task to TaskData
    folds, seed : int

    Returns
    -------
    list of (training, validation), each a mapping of task to TaskData
        With as large a fraction of positives as the whole.
    """
    parts: list[tuple[dict[str, TaskData], dict[str, TaskData]]] = [({}, {}) for _ in range(folds)]
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for task, windows in data.items():
        cuts = splitter.split(windows.codes, windows.labels)
        for part, rows in zip(parts, cuts, strict=True):
            for side, chosen in zip(part, rows, strict=True):
                side[task] = TaskData(windows.codes[chosen], windows.labels[chosen])
    return parts


def line_search(
    network: str,
    hyperparameters: Mapping[str, Any],
    settings: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
    data: Mapping[str, TaskData],
    *,
    digests: Mapping[str, str],
    folds: int = 5,
    seed: int = 1,
    checkpoints: str | Path,
    trunk: Pretrained | None = None,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Search along one line after the other.

    For each entry of ``grid``, in its order, every value is tried with all others at the best found so far, and the
    value with the highest mean validation AUROC over folds and tasks is kept; on a tie the earlier value.

    Parameters
    ----------
    network : str
    hyperparameters, settings : mapping
        Where the search starts: arguments of the network and of :class:`SiteSettings`.
    grid : mapping of str to sequence
        Keys are ``hyperparameters.<name>`` or ``training.<name>``.
    data : mapping of task to TaskData
        Training windows only.
    digests : mapping of task to str
        Their hashes, see :func:`rnamarks.training.fit.digest_splits`.
    checkpoints : path-like
        Each fold's training is kept here, so an interrupted search goes on where it was.
    trunk : Pretrained, optional
        A language model in place of the network's own trunk.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``parameter``, ``value``, ``fold``, ``auroc``, ``chosen``.
    best : dict
        ``{"hyperparameters": {...}, "training": {...}}``.
    """
    best: dict[str, dict[str, Any]] = {"hyperparameters": dict(hyperparameters), "training": dict(settings)}
    parts = folds_of(data, folds=folds, seed=seed)
    window = next(iter(data.values())).codes.shape[1]
    rows = []
    for parameter, values in grid.items():
        where, _, name = parameter.partition(".")
        if where not in best or not name:
            raise ValueError(f"line-search parameter {parameter!r} must start with 'hyperparameters.' or 'training.'")
        means = []
        for value in values:
            trial = {key: dict(entry) for key, entry in best.items()}
            trial[where][name] = value
            scores = []
            for fold, (training, validation) in enumerate(parts):
                chosen = SiteSettings.from_mapping(trial["training"])
                result = fit_network(
                    network,
                    trunk.under(trial["hyperparameters"]) if trunk else trial["hyperparameters"],
                    list(data),
                    window,
                    SiteTarget(training, validation, chosen, seed),
                    chosen,
                    data={"windows": dict(digests), "fold": f"{fold} of {folds}, seed {seed}"},
                    seed=seed,
                    checkpoints=checkpoints,
                    trunk=trunk,
                    device=device,
                    threads=threads,
                    report=lambda line: None,
                )
                last = result.history[-1]["stage"]
                score = max(row["score"] for row in result.history if row["stage"] == last)
                report(f"{parameter} = {value}, fold {fold + 1}/{folds}: validation AUROC {score:.4f}")
                scores.append(score)
                rows.append({"parameter": parameter, "value": json.dumps(value), "fold": fold + 1, "auroc": score})
            means.append(float(np.mean(scores)))
        best[where][name] = values[int(np.argmax(means))]
        for row in rows:
            if row["parameter"] == parameter:
                row["chosen"] = row["value"] == json.dumps(best[where][name])
    return pd.DataFrame(rows, columns=column_names("line_search")), best
