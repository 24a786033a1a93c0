"""Hyperparameters one at a time, each judged by five-fold cross-validation (Xiong et al. 2021, Methods)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ..files import write_text
from .fit import fit_network
from .sampler import HeadData
from .trainer import TrainingSettings


def folds_of(
    data: Mapping[str, HeadData], groups: Mapping[str, np.ndarray] | None, *, folds: int, seed: int
) -> list[tuple[dict[str, HeadData], dict[str, HeadData]]]:
    """Cross-validation folds of every head at once.

    Parameters
    ----------
    data : mapping of head to HeadData
    groups : mapping of head to numpy.ndarray, shape=(n_windows,), optional
        Windows of one group stay in one fold (genes, clusters).
    folds, seed : int

    Returns
    -------
    list of (training, validation), each a mapping of head to HeadData
    """
    parts: list[tuple[dict[str, HeadData], dict[str, HeadData]]] = [({}, {}) for _ in range(folds)]
    for head, windows in data.items():
        if groups is None:
            splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
            cuts = splitter.split(windows.codes, windows.labels)
        else:
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            cuts = splitter.split(windows.codes, windows.labels, groups[head])
        for (training, validation), (inside, outside) in zip(parts, cuts, strict=True):
            training[head] = HeadData(windows.codes[inside], windows.labels[inside])
            validation[head] = HeadData(windows.codes[outside], windows.labels[outside])
    return parts


def line_search(
    network: str,
    hyperparameters: Mapping[str, Any],
    settings: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
    data: Mapping[str, HeadData],
    *,
    groups: Mapping[str, np.ndarray] | None = None,
    folds: int = 5,
    seed: int = 1,
    checkpoints: str | Path,
    device: str = "auto",
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Search along one line after the other.

    For each entry of ``grid``, in its order, every value is tried with all others at the best found so far, and the
    value with the highest mean validation AUROC over folds and heads is kept; on a tie the earlier value.

    Parameters
    ----------
    network : str
    hyperparameters, settings : mapping
        Where the search starts: arguments of the network and of :class:`TrainingSettings`.
    grid : mapping of str to sequence
        Keys are ``hyperparameters.<name>`` or ``training.<name>``.
    data : mapping of head to HeadData
        Training windows only.
    checkpoints : path-like
        Each finished fold's score is kept here, so an interrupted search goes on where it was.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``parameter``, ``value``, ``fold``, ``auroc``, ``chosen``.
    best : dict
        ``{"hyperparameters": {...}, "training": {...}}``.
    """
    best: dict[str, dict[str, Any]] = {"hyperparameters": dict(hyperparameters), "training": dict(settings)}
    checkpoints = Path(checkpoints)
    parts = folds_of(data, groups, folds=folds, seed=seed)
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
                score = _score(network, trial, training, validation, seed, fold, checkpoints, device, threads)
                report(f"{parameter} = {value}, fold {fold + 1}/{folds}: validation AUROC {score:.4f}")
                scores.append(score)
                rows.append({"parameter": parameter, "value": json.dumps(value), "fold": fold + 1, "auroc": score})
            means.append(float(np.mean(scores)))
        chosen = values[int(np.argmax(means))]
        best[where][name] = chosen
        for row in rows:
            if row["parameter"] == parameter:
                row["chosen"] = row["value"] == json.dumps(chosen)
    return pd.DataFrame(rows, columns=["parameter", "value", "fold", "auroc", "chosen"]), best


def _score(
    network: str,
    trial: Mapping[str, Mapping[str, Any]],
    training: Mapping[str, HeadData],
    validation: Mapping[str, HeadData],
    seed: int,
    fold: int,
    checkpoints: Path,
    device: str,
    threads: int,
) -> float:
    record = json.dumps({"network": network, "trial": trial, "seed": seed, "fold": fold}, sort_keys=True)
    sums = hashlib.sha256(record.encode())
    for part in (*training.values(), *validation.values()):
        sums.update(np.ascontiguousarray(part.codes).tobytes())
    kept = checkpoints / f"line_search_{sums.hexdigest()[:16]}.json"
    if kept.is_file():
        return float(json.loads(kept.read_text())["auroc"])
    result = fit_network(
        network,
        trial["hyperparameters"],
        training,
        validation,
        TrainingSettings.from_mapping(trial["training"]),
        seed=seed,
        checkpoints=checkpoints,
        device=device,
        threads=threads,
        report=lambda line: None,
    )
    score = max(row["score"] for row in result.history if row["stage"] == result.history[-1]["stage"])
    with write_text(kept) as handle:
        json.dump({"auroc": score}, handle)
    return score
