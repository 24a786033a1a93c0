"""Can unmodified windows be told apart by the set that they come from?

The windows of different tasks often come from different laboratories, which chose their negatives in different ways.
A model that is asked for one task among the windows of all (AUCm) may answer by the source instead of the modification.
How far that goes is measured where no modification is: a classifier learns from the *unmodified* windows of two sets
with the same base in the middle which of the two a window is from. An AUROC of 0.5 means that the sets are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from ..dictionary import column_names
from ..errors import InputError
from ..models.kmers import kmer_features
from ..sequences import encode_windows
from ..tables import read_parquet
from .bootstrap import bootstrap_metrics

LONGEST = 4
STRENGTH = 0.01
"""Inverse strength of the penalty; with some thousand k-mers and some hundred windows a weak one learns by heart."""


def read_negatives(splits: Mapping[str, str | Path]) -> dict[str, pd.DataFrame]:
    """Unmodified windows of each task: ``sequence``, ``gene``.

    Parameters
    ----------
    splits : mapping of task to path
        Parquet files of the **splits** border; windows of all splits count.
    """
    negatives = {}
    for task, path in splits.items():
        frame, _ = read_parquet(path, ["sequence", "label", "gene"])
        negatives[task] = frame.loc[frame["label"] != 1, ["sequence", "gene"]].reset_index(drop=True)
    return negatives


def sources_apart(
    negatives: Mapping[str, pd.DataFrame], *, maximum: int = 2000, folds: int = 5, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """AUROC of telling, from an unmodified window's sequence, which of two sets it came from.

    k-mers up to 4 nt and nucleotides by position, a penalised logistic regression, cross-validated; windows of one gene
    stay in one fold. Sequences that both sets have are left out. The interval is that of a bootstrap of
    windows, stretched by sqrt(1 + k / (k - 1)) for k folds, as Nadeau and Bengio (2003) correct the variance of
    cross-validation.

    Parameters
    ----------
    negatives : mapping of task to pandas.DataFrame
        Unmodified windows: ``sequence`` (one width), ``gene`` (``""`` unknown).
    maximum : int
        Windows of a set that are used, drawn at random.
    folds : int
    n, seed : int
        Bootstrap resamples of windows; seed of the draws.

    Returns
    -------
    pandas.DataFrame
        Table ``sources_apart``, one row per pair of tasks with the same base in the middle. ``shared`` counts the
        sequences left out. The AUROC is NaN where fewer than ``2 * folds`` windows of a set remain.

    Raises
    ------
    InputError
        If a set has no unmodified window, or widths differ.
    """
    generator = np.random.default_rng(seed)
    drawn = {task: _draw(frame, task, maximum, generator) for task, frame in negatives.items()}
    bases = {task: _base(frame["sequence"]) for task, frame in drawn.items()}
    rows = []
    for a, b in combinations(drawn, 2):
        if bases[a] != bases[b]:
            continue
        shared = set(drawn[a]["sequence"]) & set(drawn[b]["sequence"])
        kept = [frame[~frame["sequence"].isin(shared)] for frame in (drawn[a], drawn[b])]
        head, counts = (a, b, bases[a]), (len(kept[0]), len(kept[1]), len(shared), folds)
        found = (np.nan, np.nan, np.nan)
        if min(counts[:2]) >= 2 * folds:
            labels, scores = _cross_validate(pd.concat(kept, ignore_index=True), counts[0], folds, seed)
            row = bootstrap_metrics(labels, scores, n=n, seed=seed).set_index("metric").loc["auroc"]
            # windows that train one fold test another, which resampling of windows alone does not know
            stretch = np.sqrt(1 + folds / (folds - 1))
            bounds = (np.clip(row["value"] + stretch * (row[side] - row["value"]), 0, 1) for side in ("low", "high"))
            found = (row["value"], *bounds)
        rows.append((*head, *found, *counts))
    return pd.DataFrame(rows, columns=column_names("sources_apart"))


def _draw(frame: pd.DataFrame, task: str, maximum: int, generator: np.random.Generator) -> pd.DataFrame:
    frame = frame.drop_duplicates("sequence", ignore_index=True)
    if frame.empty:
        raise InputError(f"there is no unmodified window of {task}", remedy="give negatives")
    if len(frame) <= maximum:
        return frame
    return frame.iloc[np.sort(generator.permutation(len(frame))[:maximum])].reset_index(drop=True)


def _base(sequences: pd.Series) -> str:
    """The nucleotide that most windows have in the middle."""
    letters = sequences.str[len(sequences.iloc[0]) // 2]
    return str(letters.value_counts().index[0])


def _cross_validate(frame: pd.DataFrame, first: int, folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (True for the second set) and scores of windows by models that did not see them."""
    codes = encode_windows(frame["sequence"])
    labels = np.arange(len(frame)) >= first
    features = kmer_features(codes, centred=False, longest=LONGEST, motif="", motif_offset=0, reach=0)
    gene = frame["gene"].fillna("").to_numpy(str)
    groups = np.unique(np.where(gene == "", [f"\t{at}" for at in range(len(gene))], gene), return_inverse=True)[1]
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, features, labels, groups=groups, cv=parts, method="decision_function")
    return labels, scores
