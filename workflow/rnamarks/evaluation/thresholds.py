"""Thresholds that keep a promised precision, chosen on the validation part and checked on the test part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.special import logit as log_odds

from ..errors import InputError
from .calibration import Calibration, wilson
from .metrics import check_predictions, prevalence_weights

PRECISIONS = (0.5, 0.7, 0.9)
FEWEST_CALLS = 10
"""Validation windows that a threshold must call, so that no promise rests on the few highest scores."""

COLUMNS = (
    "target_precision",
    "prevalence",
    "logit",
    "probability",
    "precision_valid",
    "recall_valid",
    "precision",
    "precision_low",
    "precision_high",
    "recall",
    "recall_low",
    "recall_high",
    "called",
    "n_positive",
    "n_negative",
    "note",
)


def threshold_at_precision(
    labels: np.ndarray,
    logits: np.ndarray,
    precision: float,
    *,
    prevalence: float | None = None,
    fewest: int = FEWEST_CALLS,
) -> tuple[float, float, float] | None:
    """The threshold of largest recall among those whose precision reaches the target.

    Precision is not monotone in the threshold, so every distinct logit is tried.

    Parameters
    ----------
    labels, logits : array, shape=(n,)
    precision : float
        Target, above 0 and up to 1.
    prevalence : float, optional
        Share of positives at which the precision is meant; default: the windows' own.
    fewest : int
        A threshold calls at least this many windows.

    Returns
    -------
    (logit, precision, recall) or None
        Windows with ``logit >= threshold`` are called. None where no threshold reaches the target.
    """
    labels, logits = check_predictions(labels, logits)
    if not 0 < precision <= 1:
        raise InputError("a precision lies above 0 and up to 1", value=precision, remedy="use 0.5, 0.7 or 0.9")
    thresholds, reached, recall = _curve(labels, logits, prevalence, fewest)
    # sums of weights carry rounding errors
    good = np.flatnonzero(reached >= precision - 1e-12)
    if not good.size:
        return None
    return float(thresholds[good[-1]]), float(reached[good[-1]]), float(recall[good[-1]])


def _curve(
    labels: np.ndarray, logits: np.ndarray, prevalence: float | None, fewest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weights = prevalence_weights(labels, prevalence)
    order = np.argsort(-logits, kind="stable")
    descending = logits[order]
    last = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))
    hits = np.cumsum(np.where(labels, weights, 0)[order])
    kept = last[last + 1 >= fewest]
    return descending[kept], hits[kept] / np.cumsum(weights[order])[kept], hits[kept] / hits[-1]


def precision_at(
    labels: np.ndarray, logits: np.ndarray, threshold: float, *, prevalence: float | None = None
) -> dict[str, float]:
    """Precision and recall of ``logit >= threshold`` with 95 % Wilson intervals.

    At another prevalence the odds of precision, and the ends of its interval, are multiplied by the ratio of the two
    prior odds.

    Returns
    -------
    dict
        ``precision``, ``precision_low``, ``precision_high`` (NaN where nothing is called), ``recall``, ``recall_low``,
        ``recall_high``, ``called``.
    """
    labels, logits = check_predictions(labels, logits)
    called = logits >= threshold
    hits, n = int((called & labels).sum()), int(called.sum())
    positives = int(labels.sum())
    shares = np.array([hits / n if n else np.nan, *wilson(hits, n)])
    if prevalence is not None:
        with np.errstate(divide="ignore"):
            shares = expit(log_odds(shares) + log_odds(prevalence) - log_odds(positives / len(labels)))
    low, high = wilson(hits, positives)
    return {
        "precision": float(shares[0]),
        "precision_low": float(shares[1]),
        "precision_high": float(shares[2]),
        "recall": hits / positives,
        "recall_low": low,
        "recall_high": high,
        "called": n,
    }


def threshold_table(
    valid: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray] | None,
    *,
    calibration: Calibration | None = None,
    precisions: Sequence[float] = PRECISIONS,
    prevalence: float | None = None,
    fewest: int = FEWEST_CALLS,
) -> pd.DataFrame:
    """Thresholds at stated precisions, and what they deliver on the test part.

    Parameters
    ----------
    valid : (labels, logits), each shape=(n,)
        Where the thresholds are chosen.
    test : (labels, logits) or None
        Where they are checked: at the stated prevalence, or at their own where none is stated.
    calibration : Calibration, optional
        Gives the threshold as a probability, too, at the stated prevalence or the calibration's.
    precisions : sequence of float
    prevalence : float, optional
        Share of positives that the precision is for; default: that of the validation part.
    fewest : int
        See :func:`threshold_at_precision`.

    Returns
    -------
    pandas.DataFrame
        One row per target, columns :data:`COLUMNS`. Where no threshold reaches the target, numbers are NaN and ``note``
        says ``not reachable`` with the best precision found; else ``note`` is ``""``, or warns that the interval on the
        test part lies below the target.
    """
    valid_labels, valid_logits = check_predictions(*valid)
    share = float(valid_labels.mean()) if prevalence is None else prevalence
    counted = check_predictions(*test)[0] if test is not None else valid_labels
    rows = []
    for target in precisions:
        row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan)
        row |= {"target_precision": target, "prevalence": share, "note": ""}
        row |= {"n_positive": int(counted.sum()), "n_negative": int((~counted).sum())}
        found = threshold_at_precision(valid_labels, valid_logits, target, prevalence=share, fewest=fewest)
        if found is None:
            row["note"] = f"not reachable; best {_best_precision(valid_labels, valid_logits, share, fewest)}"
            rows.append(row)
            continue
        row["logit"], row["precision_valid"], row["recall_valid"] = found
        if calibration is not None:
            row["probability"] = float(calibration.probability(found[0], prevalence))
        if test is not None:
            row |= precision_at(*test, found[0], prevalence=prevalence)
            if row["called"] == 0:
                row["note"] = "calls nothing in the test part"
            elif row["precision_high"] < target:
                row["note"] = "test precision is below the target"
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"called": "Int64"})


def _best_precision(labels: np.ndarray, logits: np.ndarray, prevalence: float, fewest: int) -> str:
    _, reached, _ = _curve(labels, logits, prevalence, fewest)
    return f"{reached.max():.3f}" if reached.size else f"none, fewer than {fewest} windows"
