"""Several marks at once: multi-label metrics (Supplementary Table 3 of Song et al. 2021), curves, natural imbalance.

A held-out window counts as unmodified for every mark that it was not found to have, whether anybody looked or not, as
in the paper. All numbers are of ensembles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from .bootstrap import Ranking, interval
from .curves import CURVES, MOST_POINTS, curve_points
from .mark_panels import MarkPanel, call_ratios, resample_windows
from .marks import CHOICES, confusion_cells, mark_thresholds

AGAINST = ("own", "all")
CALLED = ("any", "fitting")
METHODS = ("weighted", "resampled")
_WHO = ("model", "setting", "split")
MULTILABEL_COLUMNS = (
    *_WHO,
    "seed",
    "choice",
    "called",
    "average",
    "metric",
    "value",
    "low",
    "high",
    "marks",
    "windows",
    "labels",
)
CURVE_COLUMNS = (*_WHO, "modification", "seed", "against", "curve", "x", "y")
IMBALANCE_COLUMNS = (
    *_WHO,
    "modification",
    "seed",
    "against",
    "method",
    "metric",
    "value",
    "low",
    "high",
    "ratio",
    "prevalence",
    "n_positive",
    "n_negative",
    "resamples",
)


def _ensembles(panel: MarkPanel):
    for model, setting, _, row in panel.aggregates():
        yield model, setting, row


def multilabel_table(panel: MarkPanel, *, n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Precision, recall, F1 and Hamming loss over all test windows and marks.

    Windows whose sequence was trained on under another mark are left out.

    Parameters
    ----------
    panel : MarkPanel
    n, seed : int
        Resamples.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`MULTILABEL_COLUMNS`, for models that know all marks. ``called``: ``any`` lets every mark be
        called at every base, as the paper does; ``fitting`` only those whose base is in the centre. ``average``:
        ``micro`` over all labels, ``macro`` the mean over marks; the Hamming loss, the share of wrong labels, is the
        same either way. ``labels`` is the number of labels that are 1: calling nothing has the Hamming loss
        labels / (windows · marks).
    """
    test = panel.test
    kept = test.fresh
    labels = test.positive[kept]
    fitting = test.base[kept][:, None] == panel.bases
    cells, keys = [], []
    for choice in CHOICES:
        thresholds = mark_thresholds(panel, choice)
        for model, setting, row in _ensembles(panel):
            if not panel.known[row].all():
                continue
            called = test.logits[row][kept] >= thresholds[row]
            for rule, calls in zip(CALLED, (called, called & fitting), strict=True):
                keys.append((model, setting, panel.split, "ensemble", choice, rule))
                cells.append(np.stack(confusion_cells(calls, labels)))
    if not cells:
        return pd.DataFrame(columns=list(MULTILABEL_COLUMNS))
    # (models, 4 cells, windows, marks) to windows first, so that a resample is one product
    stacked = np.stack(cells).transpose(2, 0, 1, 3)
    flat = stacked.reshape(len(labels), -1).astype(np.float32)

    def measure(counts: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        table = (counts.astype(np.float32) @ flat).reshape(len(counts), *stacked.shape[1:]).astype(np.float64)
        micro, macro = call_ratios(*np.moveaxis(table.sum(axis=3), 2, 0)), call_ratios(*np.moveaxis(table, 2, 0))
        found = {("micro", name): micro[name] for name in ("precision", "recall", "f1", "hamming")}
        return found | {("macro", name): macro[name].mean(axis=2) for name in ("precision", "recall", "f1")}

    values = measure(np.ones((1, len(labels))))
    blocks = [measure(counts[:, kept]) for counts in resample_windows(test, n, seed)]
    tail = (len(panel.marks), len(labels), int(labels.sum()))
    rows = []
    for at, key in enumerate(keys):
        for (average, metric), value in values.items():
            drawn = np.concatenate([block[average, metric][:, at] for block in blocks] or [np.empty(0)])
            rows.append((*key, average, metric, float(value[0, at]), *interval(drawn), *tail))
    return pd.DataFrame(rows, columns=list(MULTILABEL_COLUMNS))


def mark_curves(panel: MarkPanel, most: int = MOST_POINTS) -> pd.DataFrame:
    """ROC and precision-recall curves of every mark against its own negatives and against every other window.

    Parameters
    ----------
    panel : MarkPanel
    most : int
        Most points of a curve.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CURVE_COLUMNS`.
    """
    tables = []
    for model, setting, row in _ensembles(panel):
        for mark in np.flatnonzero(panel.known[row]):
            for against in AGAINST:
                windows = _windows(panel, mark, against)
                labels, logits = panel.test.positive[windows, mark], panel.test.logits[row, windows, mark]
                for curve in CURVES:
                    points = curve_points(labels, logits, curve, most)
                    head = (model, setting, panel.split, panel.marks[mark], "ensemble", against, curve)
                    table = pd.DataFrame([head] * len(points), columns=list(CURVE_COLUMNS[:-2]))
                    tables.append(table.assign(x=points[:, 0], y=points[:, 1]))
    return pd.concat(tables, ignore_index=True)


def _windows(panel: MarkPanel, mark: int, against: str) -> np.ndarray:
    return panel.test.own_of(mark) if against == "own" else panel.test.all_of(mark)


def natural_ratios(positives: Mapping[str, int], total: int) -> dict[str, float]:
    """Other windows per positive in the whole data set: (total - n) / n for a mark with n positives.

    Parameters
    ----------
    positives : mapping of mark to int
        Positives in all parts.
    total : int
        Windows of all marks in all parts, positives and negatives.
    """
    return {mark: (total - count) / count for mark, count in positives.items()}


def imbalance_table(panel: MarkPanel, ratios: Mapping[str, float], *, n: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Average precision, and precision and recall at the threshold, at the marks' natural rarity; Figure S5.

    Parameters
    ----------
    panel : MarkPanel
    ratios : mapping of mark to float
        Negatives per positive: see :func:`natural_ratios`. The data sets' rarity, not that of the marks in a cell.
    n, seed : int
        Resamples and their seed.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`IMBALANCE_COLUMNS`. ``against``: the negatives are the mark's ``own``, or ``all`` other windows.
        ``method``: ``weighted`` gives negatives the weight that makes the ratio; positives and negatives are
        resampled in their numbers, so that the interval knows how few they are. ``resampled`` is the paper's:
        positives as they are, negatives drawn with replacement up to the ratio; the value is the mean over resamples.
        Drawing few negatives many times hides how few they are, hence its intervals are too narrow. Thresholds come
        from the validation part.
    """
    thresholds = mark_thresholds(panel)
    models = list(_ensembles(panel))
    rows = []
    for mark, name in enumerate(panel.marks):
        ratio = float(ratios[name])
        labels = panel.test.positive[:, mark]
        known = [(model, setting, row) for model, setting, row in models if panel.known[row, mark]]
        compared = {}
        for against in AGAINST:
            windows = _windows(panel, mark, against)
            compared[against] = (
                windows,
                {
                    (model, setting): _Rarity(labels, panel.test.logits[row, :, mark], thresholds[row, mark], windows)
                    for model, setting, row in known
                },
            )
        drawn = {(against, method): {} for against in AGAINST for method in METHODS}
        weights = {against: _balance(labels[windows], ratio) for against, (windows, _) in compared.items()}
        for block in resample_windows(panel.test, n, seed):
            for against, (_, meters) in compared.items():
                _measure(meters, block, weights[against], drawn[against, "weighted"])
        for against, (windows, meters) in compared.items():
            for block in _up_to_ratio(labels, windows, ratio, n, seed):
                _measure(meters, block, 1.0, drawn[against, "resampled"])
        for (against, method), found in drawn.items():
            windows, meters = compared[against]
            positives = int(labels[windows].sum())
            tail = (ratio, 1 / (1 + ratio), positives, len(windows) - positives, n)
            whole = np.ones((1, len(labels)))
            for key, meter in meters.items():
                for metric, value in meter.measure(whole, weights[against]).items():
                    draws = np.concatenate(found.get((key, metric), [np.empty(0)]))
                    centre = float(value[0]) if method == "weighted" or not n else float(draws.mean())
                    head = (*key, panel.split, name, "ensemble", against, method, metric, centre)
                    rows.append((*head, *interval(draws), *tail))
    return pd.DataFrame(rows, columns=list(IMBALANCE_COLUMNS))


class _Rarity:
    """Metrics of one model and mark among some windows, with negatives given a weight."""

    def __init__(self, labels: np.ndarray, logits: np.ndarray, threshold: float, windows: np.ndarray) -> None:
        self.ranking = Ranking(labels, logits, windows)
        kind, at = np.nonzero(confusion_cells(logits[windows] >= threshold, labels[windows]))
        self.cells = csr_array((np.ones(len(at)), (kind, windows[at])), shape=(4, len(labels)))

    def measure(self, counts: np.ndarray, weight: float) -> dict[str, np.ndarray]:
        """Each shape (n_weightings,), for counts of shape (n_weightings, n_windows)."""
        hits, false, missed, _ = self.cells @ counts.T
        _, (precision,) = self.ranking.weighted(counts, [weight])
        ratios = call_ratios(hits, weight * false, missed, np.zeros_like(hits))
        return {"ap": precision, "precision": ratios["precision"], "recall": ratios["recall"]}


def _balance(labels: np.ndarray, ratio: float) -> float:
    """Weight of a negative that makes the ratio of negatives to positives."""
    return ratio * labels.sum() / (~labels).sum()


def _measure(
    meters: Mapping[tuple[str, str], _Rarity],
    counts: np.ndarray,
    weight: float,
    into: dict[tuple[tuple[str, str], str], list[np.ndarray]],
) -> None:
    for key, meter in meters.items():
        for metric, values in meter.measure(counts, weight).items():
            into.setdefault((key, metric), []).append(values)


def _up_to_ratio(labels: np.ndarray, windows: np.ndarray, ratio: float, n: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of counts, shape (up to n, n_all): positives of some windows once, their negatives drawn to the ratio."""
    generator = np.random.default_rng(seed)
    positives, negatives = windows[labels[windows]], windows[~labels[windows]]
    total = round(ratio * len(positives))
    block = max(1, min(n, 250_000 // max(len(labels), total)))
    for first in range(0, n, block):
        rows = min(block, n - first)
        drawn = generator.integers(0, len(negatives), size=(rows, total)) * rows
        drawn += np.arange(rows)[:, None]
        counts = np.zeros((len(labels), rows))
        counts[positives] = 1
        counts[negatives] = np.bincount(drawn.ravel(), minlength=rows * len(negatives)).reshape(-1, rows)
        yield counts.T
