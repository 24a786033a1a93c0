"""Thresholds on logits: of a stated precision, and of the best balance of sensitivity and specificity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from .calibration import Calibration, wilson
from .metrics import check_predictions

PRECISIONS = (0.5, 0.7, 0.9)
FEWEST_CALLS = 10
"""Validation windows that a threshold must call, so that no threshold rests on the few highest scores."""


def g_mean_threshold(labels: np.ndarray, logits: np.ndarray) -> float:
    """The logit at and above which windows are called, so that sqrt(sensitivity · specificity) is largest.

    Among equals the highest; infinity where it is 0 everywhere. Song et al. 2021 took it from the test windows, against
    all other windows; on validation windows no model gains by it.
    """
    from sklearn.metrics import roc_curve

    false_rate, sensitivity, thresholds = roc_curve(labels, logits, drop_intermediate=False)
    return float(thresholds[np.sqrt(sensitivity * (1 - false_rate)).argmax()])


def threshold_at_precision(
    labels: np.ndarray, logits: np.ndarray, precision: float, *, fewest: int = FEWEST_CALLS
) -> tuple[float, float, float] | None:
    """The threshold of largest recall among those whose precision reaches the target.

    Precision is not monotone in the threshold, so every distinct logit is tried.

    Parameters
    ----------
    labels, logits : array, shape=(n,)
    precision : float
        Target, above 0 and up to 1.
    fewest : int
        A threshold calls at least this many windows.

    Returns
    -------
    (logit, precision, recall) or None
        Windows with ``logit >= threshold`` are called. None where no threshold reaches the target.
    """
    if not 0 < precision <= 1:
        raise InputError("a precision lies above 0 and up to 1", value=precision, remedy="use 0.5, 0.7 or 0.9")
    reached, recall, thresholds = _curve(labels, logits, fewest)
    good = np.flatnonzero(reached >= precision)
    # thresholds ascend
    return (float(thresholds[good[0]]), float(reached[good[0]]), float(recall[good[0]])) if good.size else None


def _curve(labels: np.ndarray, logits: np.ndarray, fewest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and ascending thresholds that call enough windows."""
    from sklearn.metrics import precision_recall_curve

    labels, logits = check_predictions(labels, logits)
    precision, recall, thresholds = precision_recall_curve(labels, logits)
    kept = len(logits) - np.searchsorted(np.sort(logits), thresholds) >= fewest
    return precision[:-1][kept], recall[:-1][kept], thresholds[kept]


def precision_at(labels: np.ndarray, logits: np.ndarray, threshold: float) -> dict[str, float]:
    """Precision and recall of ``logit >= threshold`` with 95 % Wilson intervals.

    Returns
    -------
    dict
        ``precision``, ``precision_low``, ``precision_high`` (NaN where nothing is called), ``recall``, ``recall_low``,
        ``recall_high``, ``called``.
    """
    labels, logits = check_predictions(labels, logits)
    calls = logits >= threshold
    hits, called, positives = int((calls & labels).sum()), int(calls.sum()), int(labels.sum())
    row: dict[str, float] = {"called": called}
    for name, n in (("precision", called), ("recall", positives)):
        row[name] = hits / n if n else np.nan
        row[f"{name}_low"], row[f"{name}_high"] = map(float, wilson(hits, n))
    return row


def threshold_table(
    valid: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    calibration: Calibration,
    *,
    precisions: Sequence[float] = PRECISIONS,
) -> pd.DataFrame:
    """Thresholds at stated precisions, and what they deliver on the test split.

    Parameters
    ----------
    valid, test : (labels, logits), each shape=(n,)
        Where the thresholds are chosen, and where they are checked, each at its own prevalence.
    calibration : Calibration
        Gives the threshold as a probability, too.
    precisions : sequence of float

    Returns
    -------
    pandas.DataFrame
        Table ``thresholds`` from ``target_precision`` on, one row per target. Where no threshold reaches the target,
        numbers are NaN and ``note`` is ``not reachable`` with the best precision found; else ``note`` is ``""``, or
        warns that the interval on the test split lies below the target.
    """
    names = column_names("thresholds", first="target_precision")
    labels = check_predictions(*test)[0]
    rows = []
    for target in precisions:
        row: dict[str, object] = dict.fromkeys(names, np.nan)
        row |= {"target_precision": target, "prevalence": float(np.mean(valid[0])), "note": ""}
        row |= {"n_positive": int(labels.sum()), "n_negative": int((~labels).sum())}
        found = threshold_at_precision(*valid, target)
        if found is None:
            reached, _, _ = _curve(*valid, FEWEST_CALLS)
            best = f"{reached.max():.3f}" if reached.size else f"none, fewer than {FEWEST_CALLS} windows"
            row["note"] = f"not reachable; best {best}"
        else:
            row["logit"], row["precision_valid"], row["recall_valid"] = found
            row["probability"] = float(calibration.probability(found[0]))
            row |= precision_at(*test, found[0])
            if row["called"] == 0:
                row["note"] = "calls nothing in the test split"
            elif row["precision_high"] < target:
                row["note"] = "test precision is below the target"
        rows.append(row)
    return pd.DataFrame(rows, columns=names).astype({"called": "Int64"})
