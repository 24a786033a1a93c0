"""Several tasks at once: multi-label metrics (Supplementary Table 3 of Song et al. 2021) and natural imbalance.

A held-out window counts as unmodified for every task that it was not found to be modified for, whether anybody looked
or not, as in the paper; only where another task found the same modification it counts neither way. All numbers are of
ensembles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..tables import read_parquet
from .bootstrap import Ranking, interval, resample_counts
from .metrics import call_ratios
from .pools import CHOICES, Pool
from .seeds import ENSEMBLE, members_of

AGAINST = ("own", "all")
CALLED = ("any", "fitting")


def multilabel_table(pool: Pool, *, n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Precision, recall, F1 and Hamming loss over all test windows and tasks.

    Windows whose sequence was trained on under another task are left out.

    Parameters
    ----------
    pool : Pool
    n, seed : int
        Resamples.

    Returns
    -------
    pandas.DataFrame
        Table ``multilabel``, for models that know all tasks. ``called``: ``any`` lets every task be
        called at every base, as the paper does; ``fitting`` only those whose base is in the middle. ``average``:
        ``micro`` over all labels, ``macro`` the mean over tasks; precision and F1 are 0 where nothing is called. The
        Hamming loss, the fraction of wrong labels, is the same either way. ``labels`` is the number of labels that are
        1: calling nothing has the Hamming loss labels / (windows · tasks).
    """
    test = pool.test
    kept = test.fresh
    labels, known = test.positive[kept], ~test.unknown[kept]
    fitting = test.base[kept][:, None] == pool.bases
    cells, keys = [], []
    for choice in CHOICES:
        thresholds = pool.thresholds(choice)
        for model, members in members_of(pool.keys).items():
            row = members[ENSEMBLE][0]
            if not pool.known[row].all():
                continue
            called = test.logits[row][kept] >= thresholds[row]
            for rule, calls in zip(CALLED, (called, called & fitting), strict=True):
                keys.append((*model, pool.scheme, ENSEMBLE, choice, rule))
                cells.append(confusion_cells(calls, labels) & known)
    if not cells:
        return pd.DataFrame(columns=column_names("multilabel"))
    # (models, 4 cells, windows, tasks) to windows first, so that a resample is one product
    stacked = np.stack(cells).transpose(2, 0, 1, 3)
    flat = stacked.reshape(len(labels), -1).astype(np.float32)

    def measure(counts: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        table = (counts.astype(np.float32) @ flat).reshape(len(counts), *stacked.shape[1:]).astype(np.float64)
        found = {}
        for average, sums in (("micro", table.sum(axis=3, keepdims=True)), ("macro", table)):
            ratios = call_ratios(*np.moveaxis(sums, 2, 0))
            for name in ("precision", "recall", "f1", *(["hamming"] if average == "micro" else [])):
                found[average, name] = np.nan_to_num(ratios[name]).mean(axis=2)
        return found

    values = measure(np.ones((1, len(labels))))
    blocks = [measure(counts[:, kept]) for counts in _resamples(pool, n, seed)]
    tail = (len(pool.tasks), len(labels), int(labels.sum()))
    rows = []
    for at, key in enumerate(keys):
        for (average, metric), value in values.items():
            drawn = np.concatenate([block[average, metric][:, at] for block in blocks] or [np.empty(0)])
            rows.append((*key, average, metric, float(value[0, at]), *interval(drawn), *tail))
    return pd.DataFrame(rows, columns=column_names("multilabel"))


def confusion_cells(called: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether a call is a true positive, false positive, false negative or true negative, shape=(4, ...)."""
    return np.stack([called & labels, called & ~labels, ~called & labels, ~called & ~labels])


def _resamples(pool: Pool, n: int, seed: int) -> Iterator[np.ndarray]:
    return resample_counts(pool.test.strata, n, np.random.default_rng(seed))


def natural_ratios(splits: Mapping[str, str | Path]) -> dict[str, float]:
    """Other windows per positive in the whole data set: (total - n) / n for a task with n positives.

    Parameters
    ----------
    splits : mapping of task to path
        Parquet files of the **splits** border; windows of all tasks and splits count.
    """
    labels = {task: read_parquet(path, ["label"])[0]["label"] for task, path in splits.items()}
    total = sum(map(len, labels.values()))
    return {task: (total - (known == 1).sum()) / (known == 1).sum() for task, known in labels.items()}


def imbalance_table(pool: Pool, ratios: Mapping[str, float], *, n: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Average precision, and precision and recall at the threshold, at the tasks' natural rarity; Figure S5.

    Parameters
    ----------
    pool : Pool
    ratios : mapping of task to float
        Negatives per positive: see :func:`natural_ratios`. The data sets' rarity, not that of modifications in a cell.
    n, seed : int
        Resamples and their seed.

    Returns
    -------
    pandas.DataFrame
        Table ``imbalance``. ``against``: the negatives are the task's ``own``, or ``all`` other windows.
        ``method``: ``weighted`` gives negatives the weight that makes the ratio; positives and negatives are
        resampled in their numbers, so that the interval knows how few they are. ``resampled`` is the paper's:
        positives as they are, negatives drawn with replacement up to the ratio; the value is the mean over resamples.
        Drawing few negatives many times hides how few they are, hence its intervals are too narrow. Thresholds come
        from the validation split; precision is 0 where nothing is called.
    """
    test, thresholds = pool.test, pool.thresholds("validation")
    ensembles = {model: members[ENSEMBLE][0] for model, members in members_of(pool.keys).items()}
    rows = []
    for at, task in enumerate(pool.tasks):
        ratio = float(ratios[task])
        for against in AGAINST:
            windows = test.windows(at, against)
            labels = test.positive[windows, at]
            weight = ratio * labels.sum() / (~labels).sum()
            meters = {
                model: _Rarity(labels, test.logits[row, windows, at], thresholds[row, at])
                for model, row in ensembles.items()
                if pool.known[row, at]
            }
            tail = (ratio, 1 / (1 + ratio), int(labels.sum()), int((~labels).sum()), n)
            resamples = {
                "weighted": (counts.T[windows].T for counts in _resamples(pool, n, seed)),
                "resampled": _up_to_ratio(labels, ratio, n, seed),
            }
            for method, blocks in resamples.items():
                factor = weight if method == "weighted" else 1.0
                drawn = _measure(meters, blocks, factor)
                whole = _measure(meters, [np.ones((1, len(labels)))], weight)
                for (model, metric), value in whole.items():
                    draws = drawn.get((model, metric), np.empty(0))
                    centre = float(value[0]) if method == "weighted" or not n else float(draws.mean())
                    head = (*model, pool.scheme, task, ENSEMBLE, against, method, metric, centre)
                    rows.append((*head, *interval(draws), *tail))
    return pd.DataFrame(rows, columns=column_names("imbalance", task_columns=False))


class _Rarity:
    """Metrics of one model and task, with negatives given a weight."""

    def __init__(self, labels: np.ndarray, logits: np.ndarray, threshold: float) -> None:
        self.ranking = Ranking(labels, logits)
        self.cells = confusion_cells(logits >= threshold, labels).astype(np.float64)

    def measure(self, counts: np.ndarray, weight: float) -> dict[str, np.ndarray]:
        """Each shape (n_weightings,), for counts of shape (n_weightings, n_windows)."""
        hits, false, missed, _ = self.cells @ counts.T
        _, (precision,) = self.ranking.weighted(counts, [weight])
        ratios = call_ratios(hits, weight * false, missed, np.zeros_like(hits))
        return {"auprc": precision, "precision": np.nan_to_num(ratios["precision"]), "recall": ratios["recall"]}


def _measure(
    meters: Mapping[tuple[str, str], _Rarity], blocks: Iterable[np.ndarray], weight: float
) -> dict[tuple[tuple[str, str], str], np.ndarray]:
    """Values of each (model, metric) under the weightings of all blocks."""
    found: dict[tuple[tuple[str, str], str], list[np.ndarray]] = {}
    for counts in blocks:
        for model, meter in meters.items():
            for metric, values in meter.measure(counts, weight).items():
                found.setdefault((model, metric), []).append(values)
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _up_to_ratio(labels: np.ndarray, ratio: float, n: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of counts, shape (up to n, n_windows): positives once, negatives drawn to the ratio."""
    generator = np.random.default_rng(seed)
    negatives = np.flatnonzero(~labels)
    total = round(ratio * int(labels.sum()))
    block = max(1, min(n, 250_000 // max(len(labels), total)))
    for first in range(0, n, block):
        rows = min(block, n - first)
        drawn = generator.integers(0, len(negatives), size=(rows, total)) * rows
        drawn += np.arange(rows)[:, None]
        counts = np.ones((len(labels), rows))
        counts[negatives] = np.bincount(drawn.ravel(), minlength=rows * len(negatives)).reshape(-1, rows)
        yield counts.T
