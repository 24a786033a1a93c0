"""Metrics of binary predictions.

A label is 1 (modified) or 0. A score is any finite number that grows with the odds of the label; a logit is a score
in natural-log odds; a probability lies in [0, 1]. A weight stands for that many windows of the population, so that
metrics at another prevalence are weighted metrics of the same windows (:func:`prevalence_weights`).
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError

ECE_BINS = 15
_DRAWS = 200
"""Number of equal-mass bins of :func:`expected_calibration_error`."""
# drawn labels that are held at once
_CELLS_AT_ONCE = 250_000


def check_predictions(
    labels: np.ndarray, scores: np.ndarray, *, both_classes: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores as arrays that every metric can take.

    Parameters
    ----------
    labels : array, shape=(n,)
        0 and 1, any number type or bool.
    scores : array, shape=(n,) or (n_models, n)
    both_classes : bool
        Whether at least one window of each label is needed.

    Returns
    -------
    labels : numpy.ndarray, shape=(n,), dtype=bool
    scores : numpy.ndarray, dtype=float64

    Raises
    ------
    InputError
        If there is no window, lengths differ, a label is neither 0 nor 1, a score is not finite, or only one label
        occurs where both are needed.
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or scores.ndim not in (1, 2) or scores.shape[-1] != len(labels):
        raise InputError(
            f"labels have shape {labels.shape} and scores {scores.shape}", remedy="give one score for each label"
        )
    if not len(labels):
        raise InputError("there is no window to evaluate", remedy="check that the split is not empty")
    wrong = ~np.isin(labels, (0, 1))
    if wrong.any():
        raise InputError("a label is neither 0 nor 1", value=labels[wrong][0].item(), remedy="use 1 for modified")
    broken = ~np.isfinite(scores)
    if broken.any():
        at = int(np.argwhere(broken)[0][-1])
        raise InputError(
            f"the score of window {at + 1} of {len(labels)} is not finite",
            value=float(scores[..., at].flat[0]) if scores.ndim == 1 else float(scores[broken][0]),
            remedy="score the windows again; training may have diverged",
        )
    labels = labels.astype(bool)
    if both_classes and (labels.all() or not labels.any()):
        raise InputError(
            f"all {len(labels)} windows have the label {int(labels[0])}",
            remedy="give positives and negatives; ranking metrics need both",
        )
    return labels, scores


def prevalence_weights(labels: np.ndarray, prevalence: float | None) -> np.ndarray:
    """Weights that give positives this fraction of the total; the total stays n.

    Parameters
    ----------
    labels : numpy.ndarray, shape=(n,), dtype=bool
    prevalence : float or None
        Between 0 and 1, both excluded; None leaves the windows as they are.

    Returns
    -------
    numpy.ndarray, shape=(n,), dtype=float64
    """
    labels = np.asarray(labels, dtype=bool)
    if prevalence is None:
        return np.ones(len(labels))
    require_prevalence(prevalence)
    share = labels.mean()
    return np.where(labels, prevalence / share, (1 - prevalence) / (1 - share))


def require_prevalence(prevalence: float) -> float:
    """The same number, if both labels occur at that fraction of positives."""
    if not 0 < prevalence < 1:
        raise InputError("a prevalence lies between 0 and 1", value=prevalence, remedy="1:10 is 1/11 = 0.0909")
    return float(prevalence)


def check_probabilities(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`check_predictions`, for numbers that must lie in [0, 1]; one label is enough."""
    labels, probabilities = check_predictions(labels, probabilities, both_classes=False)
    outside = (probabilities < 0) | (probabilities > 1)
    if outside.any():
        raise InputError(
            "a probability lies outside 0 to 1",
            value=float(probabilities[outside][0]),
            remedy="turn logits into probabilities first",
        )
    return labels, probabilities


def equal_mass_bins(values: np.ndarray, bins: int) -> np.ndarray:
    """Bin of each value, with as equal a number of values per bin as ties allow.

    Edges are the quantiles 1/bins, 2/bins, …; equal values always share a bin, so many ties leave fewer bins.

    Parameters
    ----------
    values : numpy.ndarray, shape=(n,)
    bins : int

    Returns
    -------
    numpy.ndarray, shape=(n,), dtype=int64
        0 for the smallest values; consecutive.
    """
    if bins < 1:
        raise InputError("the number of bins is at least 1", value=bins, remedy="use 10 or 15")
    edges = np.quantile(values, np.arange(1, bins) / bins, method="lower")
    found = np.searchsorted(np.unique(edges), values, side="left")
    return np.unique(found, return_inverse=True)[1]


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over equal-mass bins of |observed fraction - mean probability|, weighted by the windows in the bin.

    It is never negative and so larger than zero for a perfectly calibrated model; :func:`calibration_noise` gives the
    size to expect then.
    """
    labels, probabilities = check_probabilities(labels, probabilities)
    bin_of = equal_mass_bins(probabilities, ECE_BINS)
    return float(np.abs(np.bincount(bin_of, weights=labels - probabilities)).sum() / len(labels))


def calibration_noise(probabilities: np.ndarray) -> float:
    """Mean calibration error of labels drawn from these very probabilities, shape (n,): what chance alone gives."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    bin_of = equal_mass_bins(probabilities, ECE_BINS)
    order = np.argsort(bin_of, kind="stable")
    starts = np.flatnonzero(np.diff(bin_of[order], prepend=-1))
    ordered = probabilities[order]
    generator = np.random.default_rng(0)
    total, at_once = 0.0, max(1, _CELLS_AT_ONCE // len(ordered))
    for first in range(0, _DRAWS, at_once):
        labels = generator.random((min(at_once, _DRAWS - first), len(ordered))) < ordered
        total += np.abs(np.add.reduceat(labels - ordered, starts, axis=1)).sum()
    return float(total / _DRAWS / len(ordered))


def call_ratios(
    true_positives: np.ndarray, false_positives: np.ndarray, false_negatives: np.ndarray, true_negatives: np.ndarray
) -> dict[str, np.ndarray]:
    """Ratios of confusion matrices whose entries are counts or sums of weights, arrays of one shape.

    Returns
    -------
    dict
        ``sensitivity``, ``specificity``, ``accuracy``, ``mcc`` (Matthews' correlation, 0 where a margin of the matrix
        is empty), ``precision`` (NaN where nothing is called), ``recall`` (the sensitivity), ``f1`` and ``hamming``
        (fraction of wrong labels).
    """
    tp, fp, fn, tn = (
        np.asarray(x, np.float64) for x in (true_positives, false_positives, false_negatives, true_negatives)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        margins = (tp + fp) * (tp + fn) * (fp + tn) * (tn + fn)
        total = tp + fp + fn + tn
        return {
            "sensitivity": tp / (tp + fn),
            "specificity": tn / (tn + fp),
            "precision": tp / (tp + fp),
            "accuracy": (tp + tn) / total,
            "mcc": np.where(margins > 0, (tp * tn - fp * fn) / np.sqrt(margins), 0.0),
            "recall": tp / (tp + fn),
            "f1": 2 * tp / (2 * tp + fp + fn),
            "hamming": (fp + fn) / total,
        }
